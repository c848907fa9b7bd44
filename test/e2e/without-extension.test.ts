import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { getLoadablePath } from "sqlite-vec";
import { afterAll, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

const data = dataFolder();
let server: Server | undefined;
afterAll(async () => {
  await server?.kill();
  data.remove();
});

const hidden = { NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, "without-package.mjs")).href}` };

async function start(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  await server?.stop();
  return (server = await startServer(data.folder, { env }));
}

async function remember(at: Server, text: string): Promise<string> {
  const query = `mutation ($text: String!) { remember(input: { text: $text, scope: { scope: USER } }) { ... on RememberPayload { record { id } } } }`;
  return (await at.graphql<{ remember: { record: { id: string } } }>(query, { text })).remember.record.id;
}

/** The records that are found by their vectors, with how near they are. */
async function found(at: Server, query: string): Promise<Map<string, number>> {
  const text = `query ($query: String!) { searchMemory(input: { query: $query, scopes: [{ scope: USER }], limit: 100 }) { similarity record { id } } }`;
  const { searchMemory } = await at.graphql<{ searchMemory: { similarity: number | null; record: { id: string } }[] }>(text, { query });
  return new Map(searchMemory.flatMap(({ similarity, record }) => (similarity === null ? [] : [[record.id, similarity]])));
}

async function vectors(at: Server): Promise<{ readonly status: string; readonly detail: string }> {
  const { health } = await at.graphql<{ health: { components: { name: string; status: string; detail: string }[] } }>(
    "{ health { components { name status detail } } }",
  );
  return health.components.find(({ name }) => name === "memory.vectors") ?? { status: "", detail: "" };
}

/** The numbers of the records that have a vector, and of those that have a sketch. */
function indexed(): { readonly vectors: unknown; readonly sketches: unknown } {
  const file = new Database(join(data.folder, "weftline.db"), { readonly: true });
  try {
    file.loadExtension(getLoadablePath());
    const nums = (table: string): unknown => file.prepare(`select num from ${table} order by num`).pluck().all();
    return { vectors: nums("memory_vector"), sketches: nums("memory_sketch") };
  } finally {
    file.close();
  }
}

it("without sqlite-vec records are found all the same and health says so; once it is back the index is whole again", async () => {
  let at = await start();
  expect(await vectors(at)).toMatchObject({ status: "UP" });
  const password = await remember(at, "The customer resets her password every Monday.");
  const gone = await remember(at, "The spare key lies under the mat.");
  const question = "When do the login credentials change?";
  const near = (await found(at, question)).get(password);

  at = await start(hidden);
  expect(await vectors(at)).toMatchObject({ status: "DEGRADED", detail: expect.stringContaining("sqlite-vec is not loaded") });
  expect((await found(at, question)).get(password)).toBeCloseTo(near ?? Number.NaN, 5);
  const parcel = await remember(at, "Parcels are left with the neighbour.");
  expect([...(await found(at, "Who takes deliveries?")).keys()][0]).toBe(parcel);
  await at.graphql("mutation ($record: ID!) { forget(record: $record) { __typename } }", { record: gone });
  expect((await found(at, question)).has(gone)).toBe(false);

  at = await start();
  expect(await vectors(at)).toMatchObject({ status: "UP" });
  expect((await found(at, question)).get(password)).toBeCloseTo(near ?? Number.NaN, 5);
  expect([...(await found(at, "Who takes deliveries?")).keys()][0]).toBe(parcel);
  await expect
    .poll(() => indexed())
    .toSatisfy(({ vectors: all, sketches }: ReturnType<typeof indexed>) => JSON.stringify(all) === JSON.stringify(sketches));
  expect((indexed().vectors as unknown[]).length).toBe(2);
});
