import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../src/testing/index.ts";
import { ada, askToSend, bob, done, mutate, settled, shippedPlatform, stateOf, waits, type Outcome } from "./world.ts";

let app: TestPlatform;

beforeAll(async () => {
  app = await shippedPlatform(100);
  await done(app, "createAgent", { input: { name: "Weaver", framework: "openai", capabilities: ["message.send"] } });
});
afterAll(() => app.close());

const agent = { name: "Weaver" };
const longText = "Write 300 words about looms.";

async function openThread(): Promise<string> {
  return (await done(app, "createThread", { input: { agent } })).thread.id;
}

const send = (thread: string, text: string, onBusy?: string): Promise<Outcome> =>
  mutate(app, "sendMessage", { input: { thread, text, ...(onBusy === undefined ? {} : { onBusy }) } });

async function sent(thread: string, text: string, onBusy?: string): Promise<string> {
  const outcome = await send(thread, text, onBusy);
  if (!outcome.run) throw new Error(JSON.stringify(outcome));
  return outcome.run.id;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly blockedBy: { readonly id: string } | null;
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly argumentsHash: string }[] };
}

async function runOf(id: string): Promise<Row> {
  const query = "query ($id: ID!) { run(id: $id) { id status text blockedBy { id } interrupts { nodes { id status argumentsHash } } } }";
  return (await app.graphql<{ run: Row }>(query, { id }, ada)).run;
}

async function talk(thread: string): Promise<readonly { readonly role: string; readonly status: string; readonly text: string }[]> {
  const query = "query ($id: ID!) { thread(id: $id) { messages(superseded: true, last: 50) { nodes { role status text } } } }";
  const data = await app.graphql<{ thread: { messages: { nodes: { role: string; status: string; text: string }[] } } }>(
    query,
    { id: thread },
    ada,
  );
  return data.thread.messages.nodes;
}

interface Event {
  readonly seq: number;
  readonly type: string;
  readonly runId?: string;
}

/** The log of a thread from its first row on, up to its head of now. */
async function logOf(thread: string): Promise<Event[]> {
  const { thread: shown } = await app.graphql<{ thread: { lastSeq: number } }>(
    "query ($id: ID!) { thread(id: $id) { lastSeq } }",
    { id: thread },
    ada,
  );
  const query = "subscription ($id: ID!) { threadEvents(thread: $id, after: 0) { seq type ... on RunEvent { runId } } }";
  const events: Event[] = [];
  for await (const { threadEvents } of await app.subscribe<{ threadEvents: Event }>(query, { id: thread }, ada)) {
    events.push(threadEvents);
    if (threadEvents.seq === shown.lastSeq) break;
  }
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return events;
}

/** The kinds of one run's status events, in the order of the log. */
function statuses(log: readonly Event[], run: string): string[] {
  return log.filter(({ runId, type }) => runId === run && type.startsWith("run.")).map(({ type }) => type);
}

async function writing(run: string): Promise<void> {
  const source = await app.subscribe("subscription ($run: ID!) { runEvents(run: $run, after: 0) { type } }", { run }, ada);
  for await (const event of source) if ((event as { runEvents: Event }).runEvents.type === "message.delta") break;
}

/** What was sent on: the rows of the outbox. */
async function outbox(): Promise<number> {
  const row = await app.platform.database.read.get<{ count: number }>("select count(*) as count from capabilities_outbox");
  return row?.count ?? 0;
}

describe("a message to a thread whose agent is writing", () => {
  it("is refused with REJECT, and nothing of it is kept", async () => {
    const thread = await openThread();
    const first = await sent(thread, longText);
    await writing(first);
    const refused = await send(thread, "And?", "REJECT");
    expect(refused).toMatchObject({ __typename: "ConflictError", code: "BUSY", path: ["input", "onBusy"] });
    expect((await talk(thread)).map(({ role }) => role)).toEqual(["USER", "ASSISTANT"]);
    await done(app, "cancelRun", { run: first });
    expect((await settled(app, first)).status).toBe("CANCELLED");
  });

  it("waits its turn with ENQUEUE, which is the default", async () => {
    const thread = await openThread();
    const first = await sent(thread, "Write 40 words about looms.");
    await writing(first);
    const second = await sent(thread, "Thanks!");
    const third = await sent(thread, "Bye!", "ENQUEUE");
    expect(await runOf(second)).toMatchObject({ status: "QUEUED", blockedBy: { id: first } });
    expect(await runOf(third)).toMatchObject({ status: "QUEUED", blockedBy: { id: second } });
    for (const run of [first, second, third]) expect((await settled(app, run)).status).toBe("SUCCEEDED");
    const log = await logOf(thread);
    const at = (type: string, run: string): number => log.findIndex((event) => event.type === type && event.runId === run);
    expect(at("run.started", second)).toBeGreaterThan(at("run.finished", first));
    expect(at("run.started", third)).toBeGreaterThan(at("run.finished", second));
    const answers = (await talk(thread)).filter(({ role }) => role === "ASSISTANT");
    expect(answers.map(({ text }) => text).slice(1)).toEqual([expect.stringContaining("Thanks!"), expect.stringContaining("Bye!")]);
  });

  it("takes the place of all that is open with INTERRUPT, and what was said so far stays", async () => {
    const thread = await openThread();
    const first = await sent(thread, longText);
    await writing(first);
    const queued = await sent(thread, "Still there?");
    const last = await sent(thread, "Stop.", "INTERRUPT");
    expect((await settled(app, last)).status).toBe("SUCCEEDED");
    for (const run of [first, queued]) expect((await runOf(run)).status).toBe("CANCELLED");
    const [, cut] = (await talk(thread)).filter(({ role, status }) => role === "ASSISTANT" || status !== "COMPLETE").toReversed();
    expect(cut).toMatchObject({ status: "CANCELLED", text: expect.stringMatching(/\w/) });
    const log = await logOf(thread);
    expect(statuses(log, queued)).toEqual(["run.queued", "run.cancelled"]);
    const order = log.filter(({ type }) => type === "run.cancelled" || type === "run.started").map(({ runId, type }) => [runId, type]);
    expect(order.indexOf(order.find(([run]) => run === last) ?? [])).toBe(order.length - 1);
  });

  it("is taken once and in some order where many interrupt at once", async () => {
    const thread = await openThread();
    const first = await sent(thread, longText);
    await writing(first);
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => sent(thread, `Number ${n}.`, "INTERRUPT")));
    const ends = await Promise.all([first, ...others].map((run) => settled(app, run)));
    expect(ends.filter(({ status }) => status === "SUCCEEDED")).toHaveLength(1);
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED", "CANCELLED"]));
    for (const run of [first, ...others]) {
      expect(statuses(await logOf(thread), run).filter((type) => /cancelled|finished|failed/.test(type))).toHaveLength(1);
    }
  });
});

describe("a message to a thread where a run waits for approval", () => {
  async function waitingThread(): Promise<{
    readonly thread: string;
    readonly run: string;
    readonly decide: (kind: string) => Promise<Outcome>;
  }> {
    const thread = await openThread();
    const run = await sent(thread, askToSend);
    const [interrupt] = (await waits(app, run)).interrupts.nodes;
    const input = { interrupt: interrupt?.id, argumentsHash: interrupt?.argumentsHash };
    return { thread, run, decide: (kind) => mutate(app, "decideInterrupt", { input: { ...input, kind } }) };
  }

  it("is refused with REJECT, and the run waits on", async () => {
    const { thread, run, decide } = await waitingThread();
    const before = await stateOf(app);
    expect(await send(thread, "And?", "REJECT")).toMatchObject({ __typename: "ConflictError", code: "BUSY" });
    expect(await stateOf(app)).toEqual(before);
    await decide("REJECT");
    const { status, text } = await settled(app, run);
    expect([status, text]).toEqual(["SUCCEEDED", expect.stringContaining("denied")]);
  });

  it("waits with it with ENQUEUE, and is answered after the decision", async () => {
    const { thread, run, decide } = await waitingThread();
    const count = await outbox();
    const second = await sent(thread, "Thanks!");
    expect(await runOf(second)).toMatchObject({ status: "QUEUED", blockedBy: { id: run } });
    expect(await decide("APPROVE")).toMatchObject({ __typename: "DecideInterruptPayload" });
    expect((await settled(app, second)).status).toBe("SUCCEEDED");
    expect((await runOf(run)).status).toBe("SUCCEEDED");
    expect(await outbox()).toBe(count + 1);
    const log = await logOf(thread);
    const at = (type: string, of: string): number => log.findIndex((event) => event.type === type && event.runId === of);
    expect(at("run.started", second)).toBeGreaterThan(at("run.finished", run));
  });

  it("cancels it with INTERRUPT: its question is withdrawn, its call is never made, and it is answered itself", async () => {
    const { thread, run, decide } = await waitingThread();
    const count = await outbox();
    const second = await sent(thread, "Never mind.", "INTERRUPT");
    expect((await settled(app, second)).status).toBe("SUCCEEDED");
    expect(await runOf(run)).toMatchObject({ status: "CANCELLED", interrupts: { nodes: [{ status: "CANCELLED" }] } });
    const late = await decide("APPROVE");
    expect(late).toMatchObject({ __typename: "ConflictError", code: "DECISION_CONFLICT" });
    expect(late.message).toMatch(/cancelled and can no longer be decided/);
    expect(await outbox()).toBe(count);
    const pending = await app.graphql<{ interrupts: { totalCount: number } }>("{ interrupts { totalCount } }", {}, ada);
    expect(pending.interrupts.totalCount).toBe(0);
  });
});

describe("a run of an agent that is busy outside of threads", () => {
  const start = (onBusy: string, viewer = ada): Promise<Outcome> =>
    mutate(app, "startRun", { input: { target: { agent }, text: longText, onBusy } }, viewer);

  it("is refused, runs beside the other, or takes its place, and never touches another viewer's", async () => {
    const bobs = await start("ENQUEUE", bob);
    const first = await start("REJECT");
    expect(first.__typename).toBe("StartRunPayload");
    const firstId = first.run?.id ?? "";
    await writing(firstId);
    expect(await start("REJECT")).toMatchObject({ __typename: "ConflictError", code: "BUSY" });
    const beside = await start("ENQUEUE");
    const besideId = beside.run?.id ?? "";
    await writing(besideId);
    expect((await runOf(firstId)).status).toBe("RUNNING");
    const alone = await start("INTERRUPT");
    for (const run of [firstId, besideId]) expect((await settled(app, run)).status).toBe("CANCELLED");
    await writing(alone.run?.id ?? "");
    const query = "query ($id: ID!) { run(id: $id) { status } }";
    expect(await app.graphql(query, { id: bobs.run?.id }, bob)).toEqual({ run: { status: "RUNNING" } });
    await done(app, "cancelRun", { run: alone.run?.id });
    await done(app, "cancelRun", { run: bobs.run?.id }, bob);
    expect((await settled(app, bobs.run?.id ?? "", bob)).status).toBe("CANCELLED");
  });
});
