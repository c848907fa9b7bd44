import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunContext, RunEventBody, RunRequest } from "#weftline";
import { agents, auth, capabilities, chat, models, simulated } from "../../../src/plugins/index.ts";
import { fakeRuntime, sayText } from "../../../src/testing/index.ts";
import { probePlugin, serve, tokens, viewers, type Served } from "../../graphql/fixture.ts";
import { ask, ways, type Way } from "./ways.ts";

const most = 4;

/** Answers at once, or waits until it is cancelled. */
async function* turn(request: RunRequest, { signal }: RunContext): AsyncGenerator<RunEventBody> {
  if (JSON.stringify(request.messages).includes("stay")) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  yield* sayText("Done.");
}

let app: Served;
beforeAll(async () => {
  app = await serve({
    plugins: [
      auth({ viewers }),
      models({ bindings: {} }),
      simulated(),
      capabilities(),
      agents({ templateFramework: "fake" }),
      chat(),
      fakeRuntime({ turn }),
      probePlugin(),
    ],
    server: { limits: { openRunsPerViewer: most } },
  });
  for (const token of [tokens.ada, tokens.bob])
    await change('mutation { result: createAgent(input: { name: "Idler", framework: "fake" }) { __typename } }', {}, token);
});
afterAll(() => app[Symbol.asyncDispose]());

interface Outcome {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly run?: { readonly id: string };
  readonly thread?: { readonly id: string };
}

async function change(query: string, variables: object = {}, token: string = tokens.ada, way: Way = "HTTP"): Promise<Outcome> {
  const { data, text } = await ask(app, way, { query, variables: variables as Record<string, unknown>, token });
  return (data as { result?: Outcome } | undefined)?.result ?? expect.fail(text);
}

const failure = "... on UserError { code message } ... on RateLimitedError { retryAfter }";
const documents = {
  start: `mutation ($input: StartRunInput!) { result: startRun(input: $input) { __typename ... on StartRunPayload { run { id } } ${failure} } }`,
  retry: `mutation ($input: RetryRunInput!) { result: retryRun(input: $input) { __typename ... on RetryRunPayload { run { id } } ${failure} } }`,
  send: `mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { __typename ... on SendMessagePayload { run { id } } ${failure} } }`,
  regenerate: `mutation ($message: ID!) { result: regenerateMessage(message: $message) { __typename ... on RegenerateMessagePayload { run { id } } ${failure} } }`,
};
const idler = (text: string, more: object = {}): object => ({ input: { target: { agent: { name: "Idler" } }, text, ...more } });
const open = "{ runs(filter: { status: [QUEUED, RUNNING, WAITING, PAUSED, CANCELLING] }) { nodes { id } } }";

async function openRuns(): Promise<readonly string[]> {
  const { data, text } = await ask(app, "HTTP", { query: open, token: tokens.ada });
  return (data as { runs?: { nodes: { id: string }[] } } | undefined)?.runs?.nodes.map(({ id }) => id) ?? expect.fail(text);
}

/** Cancels all and waits until they have ended. */
async function settle(): Promise<void> {
  let left = await openRuns();
  for (const run of left) await change("mutation ($run: ID!) { result: cancelRun(run: $run) { __typename } }", { run });
  while (left.length > 0) left = await openRuns();
}

async function ended(run: string): Promise<void> {
  while ((await openRuns()).includes(run));
}

describe("open runs of one viewer", () => {
  it("are never more than allowed, however many are asked for at once and on whatever way", async () => {
    const asked = await Promise.all(
      Array.from({ length: 24 }, (_, at) => change(documents.start, idler("stay"), tokens.ada, ways[at % 3])),
    );
    expect(asked.filter(({ __typename }) => __typename === "StartRunPayload")).toHaveLength(most);
    const refused = asked.filter(({ __typename }) => __typename === "RateLimitedError");
    expect(refused).toHaveLength(24 - most);
    expect(refused[0]).toMatchObject({ code: "RATE_LIMITED", message: `Too many open runs at once: ${most} are allowed.` });
    expect(await openRuns()).toHaveLength(most);
    expect(await change(documents.start, idler("stay"), tokens.bob)).toMatchObject({ __typename: "StartRunPayload" });
    await settle();
    expect(await change(documents.start, idler("go"))).toMatchObject({ __typename: "StartRunPayload" });
  });

  it("are counted for messages, answers anew and repeats too; nothing is left of what was refused", async () => {
    await settle();
    const { thread } = await change(
      'mutation { result: createThread(input: { agent: { name: "Idler" } }) { __typename ... on CreateThreadPayload { thread { id } } } }',
    );
    const sent = await change(documents.send, { input: { thread: thread?.id, text: "go" } });
    await ended(sent.run?.id ?? "");
    const history = "query ($thread: ID!) { thread(id: $thread) { messages(first: 10) { totalCount nodes { id role } } } }";
    const messages = async (): Promise<{ totalCount: number; nodes: { id: string; role: string }[] }> => {
      const { data } = await ask(app, "HTTP", { query: history, variables: { thread: thread?.id }, token: tokens.ada });
      return (data as { thread: { messages: { totalCount: number; nodes: { id: string; role: string }[] } } }).thread.messages;
    };
    const before = await messages();
    const answer = before.nodes.find(({ role }) => role === "ASSISTANT")?.id;
    for (let at = 0; at < most; at++) await change(documents.start, idler("stay"));
    const refused = [
      await change(documents.send, { input: { thread: thread?.id, text: "more" } }),
      await change(documents.regenerate, { message: answer }),
      await change(documents.retry, { input: { run: sent.run?.id } }),
    ];
    expect(refused.map(({ __typename }) => __typename)).toEqual(Array(3).fill("RateLimitedError"));
    expect((await messages()).totalCount).toBe(before.totalCount);
    await settle();
    expect(await change(documents.regenerate, { message: answer })).toMatchObject({ __typename: "RegenerateMessagePayload" });
    expect(await change(documents.retry, { input: { run: sent.run?.id } })).toMatchObject({ __typename: "RetryRunPayload" });
  });

  it("are not counted again when a request is repeated, and a refused one may be repeated later", async () => {
    await settle();
    const first = await change(documents.start, idler("stay", { idempotencyKey: "first" }));
    for (let at = 1; at < most; at++) await change(documents.start, idler("stay"));
    expect(await change(documents.start, idler("stay", { idempotencyKey: "first" }))).toEqual(first);
    const late = idler("stay", { idempotencyKey: "late" });
    expect(await change(documents.start, late)).toMatchObject({ __typename: "RateLimitedError" });
    await change("mutation ($run: ID!) { result: cancelRun(run: $run) { __typename } }", { run: first.run?.id });
    await ended(first.run?.id ?? "");
    expect(await change(documents.start, late)).toMatchObject({ __typename: "StartRunPayload" });
    expect(await openRuns()).toHaveLength(most);
    await settle();
  });
});
