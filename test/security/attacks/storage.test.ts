import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseService, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import { agents, auth, capabilities, chat, models, simulated } from "../../../src/plugins/index.ts";
import { fakeRuntime, sayText } from "../../../src/testing/index.ts";
import { probePlugin, serve, tokens, viewers, type Served } from "../../graphql/fixture.ts";
import { ask } from "./ways.ts";

const kibibyte = 1024;
/** Of the same tenant as Ada. */
const cyd = "token-of-cyd-who-is-a-colleague";
const limits = { runBytes: 200 * kibibyte, storedBytesPerViewer: 900 * kibibyte, storedBytesPerTenant: 1_300 * kibibyte };
const large = "x".repeat(30 * kibibyte);

const writes: Readonly<Record<string, (ctx: RunContext) => AsyncIterable<RunEventBody>>> = {
  async *events() {
    for (let n = 0; n < 100; n++) yield { kind: "custom", name: "large", data: large };
  },
  async *state() {
    for (let n = 0; n < 100; n++) yield { kind: "state.patched", patch: [{ op: "add", path: "/x", value: large }] };
  },
  async *steps() {
    for (let n = 0; n < 100; n++) {
      yield { kind: "step.started", step: `${n}`, name: "large", stepKind: "NODE", input: large };
      yield { kind: "step.finished", step: `${n}`, status: "SUCCEEDED", output: large };
    }
  },
  async *text() {
    yield { kind: "message.started", message: "m" };
    for (let n = 0; n < 100; n++) yield { kind: "message.delta", message: "m", part: 0, channel: "TEXT", text: large };
    yield { kind: "message.finished", message: "m", status: "COMPLETE" };
  },
  async *checkpoints({ checkpoints }) {
    for (let n = 0; n < 100; n++) {
      await checkpoints.put({ id: `${n}`, format: "test/1", versions: { x: `${n}` }, values: { x: `${n}${large}` }, data: null });
      yield { kind: "progress", done: n };
    }
  },
};

async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const asked = JSON.stringify(request.messages.at(-1));
  const what = Object.keys(writes).find((name) => asked.includes(`write ${name}`)) ?? "";
  yield* writes[what]?.(ctx) ?? sayText("Done.");
}

let app: Served;
beforeAll(async () => {
  app = await serve({
    plugins: [
      auth({ viewers: [...viewers, { token: cyd, id: "cyd" }] }),
      models({ bindings: {} }),
      simulated(),
      capabilities(),
      agents(),
      chat(),
      fakeRuntime({ turn }),
      probePlugin(),
    ],
    server: { limits },
  });
  for (const token of [tokens.ada, tokens.bob, cyd])
    await change('mutation { result: createAgent(input: { name: "Writer", framework: "fake" }) { __typename } }', {}, token);
});
afterAll(() => app[Symbol.asyncDispose]());

interface Outcome {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly fix?: string;
  readonly run?: { readonly id: string };
  readonly thread?: { readonly id: string };
}

async function change(query: string, variables: object, token: string): Promise<Outcome> {
  const { data, text } = await ask(app, "HTTP", { query, variables: variables as Record<string, unknown>, token });
  return (data as { result?: Outcome } | undefined)?.result ?? expect.fail(text);
}

const problem = "... on UserError { code message fix }";
const start = (text: string, token: string = tokens.ada): Promise<Outcome> =>
  change(
    `mutation ($input: StartRunInput!) { result: startRun(input: $input) { __typename ... on StartRunPayload { run { id } } ${problem} } }`,
    { input: { target: { agent: { name: "Writer" } }, text } },
    token,
  );
const send = (thread: string, text: string, token: string = tokens.ada): Promise<Outcome> =>
  change(
    `mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { __typename ... on SendMessagePayload { run { id } } ${problem} } }`,
    { input: { thread, text } },
    token,
  );
const newThread = async (token: string = tokens.ada): Promise<string> =>
  (
    await change(
      'mutation { result: createThread(input: { agent: { name: "Writer" } }) { __typename ... on CreateThreadPayload { thread { id } } } }',
      {},
      token,
    )
  ).thread?.id ?? "";
const remove = (thread: string): Promise<Outcome> =>
  change("mutation ($thread: ID!) { result: deleteThread(thread: $thread) { __typename } }", { thread }, tokens.ada);

async function ended(
  run: string,
  token: string = tokens.ada,
): Promise<{ status: string; failure: { code: string; message: string; fix: string } | null }> {
  for (;;) {
    const { data } = await ask(app, "HTTP", {
      query: "query ($run: ID!) { run(id: $run) { status failure { code message fix } } }",
      variables: { run },
      token,
    });
    const found = (data as { run: Awaited<ReturnType<typeof ended>> }).run;
    if (!["QUEUED", "RUNNING"].includes(found.status)) return found;
  }
}

/** Sends messages of 100 KiB until one is refused. */
async function fill(thread: string, token?: string): Promise<Outcome> {
  for (let n = 0; n < 30; n++) {
    const sent = await send(thread, "y".repeat(100 * kibibyte), token);
    if (sent.__typename !== "SendMessagePayload") return sent;
    await ended(sent.run?.id ?? "", token);
  }
  return expect.fail("nothing was refused");
}

async function totals(): Promise<{ stored: number; counted: number }> {
  const { read } = app.platform.use(databaseService);
  const sum = await read.get<{ n: number }>("select sum(bytes) as n from runs_stream");
  const rows = await read.get<{ n: number }>("select sum(bytes) as n from runs_storage where owner_id <> ''");
  return { stored: rows?.n ?? 0, counted: sum?.n ?? 0 };
}

describe("what is kept has a limit", () => {
  it.each(Object.keys(writes))("of a run: one that writes more ends, and says how to raise it (%s)", async (what) => {
    const thread = await newThread();
    const { run } = await send(thread, `write ${what}`);
    const { status, failure } = await ended(run?.id ?? "");
    expect({ status, code: failure?.code }).toEqual({ status: "FAILED", code: "RUN_LIMIT" });
    expect(failure?.message).toContain("200 KiB");
    expect(failure?.fix).toContain("runBytes");
    await remove(thread);
  });

  it("of a viewer: what is beyond is refused, nobody else is, and what is deleted makes room", async () => {
    const [first, second] = [await newThread(), await newThread()];
    const refused = { __typename: "ConflictError", code: "STORAGE_FULL", fix: expect.stringContaining("storedBytesPerViewer") };
    expect(await fill(first)).toMatchObject(refused);
    expect(await start("more")).toMatchObject(refused);
    expect(await send(second, "more")).toMatchObject(refused);
    const [bobs, cyds] = [await newThread(tokens.bob), await newThread(cyd)];
    for (const [thread, token] of [
      [bobs, tokens.bob],
      [cyds, cyd],
    ] as const)
      expect(await send(thread, "hello", token)).toMatchObject({ __typename: "SendMessagePayload" });
    // Together they keep more than the tenant may.
    expect(await fill(cyds, cyd)).toMatchObject({ ...refused, fix: expect.stringContaining("storedBytesPerTenant") });
    expect(await send(bobs, "more", tokens.bob)).toMatchObject({ __typename: "SendMessagePayload" });
    await remove(first);
    expect(await send(second, "more")).toMatchObject({ __typename: "SendMessagePayload" });
    expect(await send(cyds, "more", cyd)).toMatchObject({ __typename: "SendMessagePayload" });
  });

  it("of which the totals are what all streams take together", async () => {
    await expect.poll(async () => (await totals()).counted).toBeGreaterThan(100 * kibibyte);
    await expect
      .poll(
        async () => {
          const { stored, counted } = await totals();
          return stored - counted;
        },
        { timeout: 5_000 },
      )
      .toBe(0);
  });
});
