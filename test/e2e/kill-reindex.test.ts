import { afterAll, beforeAll, expect, it } from "vitest";
import { answering, endpoint, textsOf, type Endpoint } from "../plugins/memory/embedders/endpoint.ts";
import { dataFolder, startServer, type Server } from "./server.ts";

const facts = 60;
const data = dataFolder();
let house: Endpoint;
let server: Server;
beforeAll(async () => void (house = await endpoint()));
afterAll(async () => {
  await server.kill();
  await house[Symbol.asyncDispose]();
  data.remove();
});

async function start(model: string): Promise<void> {
  server = await startServer(data.folder, {
    args: ["--config", "test/e2e/reindex.config.ts"],
    env: { EMBEDDINGS: house.baseURL, MODEL: model },
  });
}

const isFact = (text: string): boolean => /^Fact \d+:/.test(text);

/** The facts that a model was asked for, each as often as it was. */
const askedOf = (model: string): string[] =>
  house.seen.filter(({ body }) => body["model"] === model).flatMap(({ body }) => textsOf(body).filter(isFact));

/** The endpoint hangs once a model was asked for so many facts. */
function hangAfter(model: string, count: number): void {
  const right = house.behave;
  house.behave = (response, request) => {
    const isBusy = textsOf(request.body).some(isFact);
    if (request.body["model"] === model && isBusy && askedOf(model).length > count) return undefined;
    return right?.(response, request);
  };
}

interface Hit {
  readonly matchedBy: readonly string[];
  readonly record: { readonly text: string };
}

async function search(query: string): Promise<readonly Hit[]> {
  const text = `query ($query: String!) { searchMemory(input: { query: $query, scopes: [{ scope: USER }], limit: 100 }) { matchedBy record { text } } }`;
  return (await server.graphql<{ searchMemory: Hit[] }>(text, { query })).searchMemory;
}

const byVector = async (): Promise<number> => (await search("Fact")).filter(({ matchedBy }) => matchedBy.includes("VECTOR")).length;

interface Job {
  readonly status: string;
  readonly output: unknown;
  readonly events: readonly { readonly progress?: { readonly done: number; readonly total: number } }[];
}

async function job(id: string): Promise<Job> {
  const text = `query ($id: ID!) { run(id: $id) { status output events(first: 200) { ... on ProgressEvent { progress { done total } } } } }`;
  return (await server.graphql<{ run: Job }>(text, { id })).run;
}

it("records are embedded anew over kills and a second change of the model, and are found all the while", { timeout: 120_000 }, async () => {
  const behave = answering((all) => all);
  house.behave = behave;
  await start("meaning-1");
  for (let n = 0; n < facts; n++)
    await server.graphql(`mutation ($text: String!) { remember(input: { text: $text, scope: { scope: USER } }) { __typename } }`, {
      text: `Fact ${n}: the door of room ${n} is ${n % 2 === 0 ? "red" : "blue"}.`,
    });
  expect(await byVector()).toBe(60);
  await server.kill();

  hangAfter("meaning-2", 16);
  await start("meaning-2");
  expect(await byVector()).toBe(0);
  expect((await search("room 7"))[0]).toMatchObject({ matchedBy: ["KEYWORD"], record: { text: expect.stringContaining("Fact 7:") } });
  const { startJob } = await server.graphql<{ startJob: { run: { id: string } } }>(
    'mutation { startJob(input: { job: "memory.reindex" }) { ... on StartJobPayload { run { id } } } }',
  );
  const { id } = startJob.run;
  await expect.poll(() => askedOf("meaning-2").length).toBe(24);
  // What has its vector is found by both ways, and the rest by its words: none is left out, none is compared with the other model's.
  expect(await byVector()).toBe(16);
  expect(await search("Fact")).toHaveLength(60);
  await expect
    .poll(async () => (await job(id)).events.some(({ progress }) => progress?.done === 16 && progress.total === facts))
    .toBe(true);
  await server.kill();

  house.behave = behave;
  hangAfter("meaning-2", 48);
  await start("meaning-2");
  await expect.poll(() => askedOf("meaning-2").length).toBe(56);
  // Nothing that was saved is embedded twice: the batch alone that the kill cut off.
  expect(new Set(askedOf("meaning-2")).size).toBe(48);
  expect(await byVector()).toBe(40);
  await server.kill();

  house.behave = behave;
  await start("meaning-3");
  await expect.poll(async () => (await job(id)).status, { timeout: 60_000 }).toBe("SUCCEEDED");
  expect((await job(id)).output).toEqual({ records: facts, refused: 0 });
  expect(new Set(askedOf("meaning-3")).size).toBe(facts);
  expect(await byVector()).toBe(60);
  const { health } = await server.graphql<{ health: { components: { name: string; status: string }[] } }>(
    "{ health { components { name status } } }",
  );
  expect(health.components).toContainEqual({ name: "memory.embedder", status: "UP" });
});
