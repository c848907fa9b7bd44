import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunEventBody } from "#weftline";
import { workflows } from "../../../src/plugins/index.ts";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, mutations } from "../agents/fixture.ts";
import {
  everyMinute,
  made,
  makeDue,
  runsOf,
  scheduleOf,
  schedulesPlatform,
  untilDecided,
  untilDisabled,
  untilRuns,
  verbs,
} from "./fixture.ts";

let app: TestPlatform;
/** What turns of agents wait for. */
const gates = new Set<() => void>();
let isOpen = true;

async function* turn(_: unknown, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<RunEventBody> {
  if (!isOpen)
    await new Promise<void>((resolve, reject) => {
      gates.add(resolve);
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  yield { kind: "message.started", message: "m" };
  yield { kind: "message.delta", message: "m", part: 0, channel: "TEXT", text: "Done." };
  yield { kind: "message.finished", message: "m", status: "COMPLETE" };
}

function open(): void {
  isOpen = true;
  for (const gate of gates) gate();
  gates.clear();
}

beforeAll(async () => {
  app = await schedulesPlatform({ turn }, { missedTicks: 3, openRuns: 3, perOwner: 1_000 }, [workflows()]);
});
afterAll(() => app.close());

let count = 0;
const create = async (input: object) =>
  made(await verbs(app).create({ ...everyMinute, cron: "0 0 29 2 *", name: `S${count++}`, ...input }));
const minutesAgo = (minutes: number): string => `unixepoch() / 60 * 60000 - ${minutes} * 60000`;

describe("a tick", () => {
  it("starts a run as the owner, which knows its schedule, and moves the schedule on", async () => {
    const { id } = await create({ input: { rows: 2 } });
    await makeDue(app, [id]);
    const [run] = await untilRuns(app, id, ["SUCCEEDED"]);
    expect(run).toMatchObject({
      trigger: "SCHEDULE",
      input: { text: "Go.", input: { rows: 2 } },
      owner: { name: "ada" },
      schedule: { id },
      blockedBy: null,
    });
    expect(await scheduleOf(app, id)).toMatchObject({
      enabled: true,
      reason: null,
      lastRun: { id: run?.id },
      nextAt: expect.stringMatching(/-02-29T00:00/),
    });
    const filtered = "query ($schedule: ID!) { runs(filter: { schedule: $schedule, trigger: [SCHEDULE] }) { nodes { id } } }";
    expect(await app.graphql(filtered, { schedule: id }, ada)).toEqual({ runs: { nodes: [{ id: run?.id }] } });
    expect(await app.graphql(filtered, { schedule: "nonsense" }, ada)).toEqual({ runs: { nodes: [] } });
  });

  it("comes again by itself when its time has come", async () => {
    const { id } = await create({});
    await makeDue(app, [id], "unixepoch('subsec') * 1000 + 400");
    await untilRuns(app, id, ["SUCCEEDED"]);
  });

  it("goes into the thread as a message of the owner, behind what is open there", async () => {
    const { createThread } = await app.graphql<{ createThread: { thread: { id: string } } }>(
      'mutation { createThread(input: { agent: { name: "Paper" } }) { ... on CreateThreadPayload { thread { id } } } }',
      {},
      ada,
    );
    const thread = createThread.thread.id;
    const { id, thread: stored } = await create({ thread, text: "Every day." });
    expect(stored).toEqual({ id: thread });
    isOpen = false;
    const send =
      'mutation ($thread: ID!) { sendMessage(input: { thread: $thread, text: "Hello." }) { ... on SendMessagePayload { run { id } } } }';
    const { sendMessage } = await app.graphql<{ sendMessage: { run: { id: string } } }>(send, { thread }, ada);
    await makeDue(app, [id]);
    const [run] = await untilRuns(app, id, ["QUEUED"]);
    expect(run).toMatchObject({ thread: { id: thread }, blockedBy: { id: sendMessage.run.id } });
    open();
    await untilRuns(app, id, ["SUCCEEDED"]);
    const messages = "query ($thread: ID!) { thread(id: $thread) { messages(first: 10) { nodes { role text } } } }";
    const found = await app.graphql<{ thread: { messages: { nodes: { role: string; text: string }[] } } }>(messages, { thread }, ada);
    expect(found.thread.messages.nodes.map(({ role, text }) => `${role} ${text}`)).toEqual([
      "USER Hello.",
      "USER Every day.",
      "ASSISTANT Done.",
      "ASSISTANT Done.",
    ]);
  });

  it("is decided once, however often it is found to be due", async () => {
    const schedules = await Promise.all(Array.from({ length: 40 }, () => create({})));
    const ids = schedules.map(({ id }) => id);
    await Promise.all([makeDue(app, ids), makeDue(app, ids.slice(20)), makeDue(app, ids.slice(30))]);
    for (const id of ids) await untilRuns(app, id, ["SUCCEEDED"]);
  });

  it("that has a run already, as after a clock was put back, starts none", async () => {
    const { id } = await create({});
    await makeDue(app, [id]);
    await untilDecided(app, id);
    const { database } = app.platform;
    const local = Buffer.from(id, "base64url").toString().replace("Schedule:", "");
    const tick = await database.read.get<{ at: number }>("select schedule_tick_at as at from runs_run where schedule_id = ?", local);
    await makeDue(app, [id], String(tick?.at));
    await untilDecided(app, id);
    expect(await runsOf(app, id)).toHaveLength(1);
    await expect(
      database.commit(({ sql }) =>
        sql.run("update runs_run set schedule_tick_at = ?, schedule_id = 'x' where schedule_id is not null", tick?.at ?? 0),
      ),
    ).rejects.toThrow(/UNIQUE/);
  });
});

describe("missed ticks", () => {
  it.each([
    ["SKIP", 0],
    ["RUN_ONCE", 1],
    ["RUN_ALL", 3],
  ])("under %s start %i runs", async (missedTicks, runs) => {
    const { id } = await create({ cron: "0 0 29 2 *", missedTicks, overlap: "QUEUE" });
    // Ticks that are hours away from now, so that none is on time.
    const hour = new Date(Date.now() - 3 * 3_600_000).getUTCHours();
    await app.platform.database.commit(({ sql }) =>
      sql.run("update schedules_schedule set cron = ? where name = ?", `10,20,30 ${hour} * * *`, `S${count - 1}`),
    );
    const day = "unixepoch() / 86400 * 86400000";
    const from = new Date().getUTCHours() >= 3 ? day : `${day} - 86400000`;
    await makeDue(app, [id], `${from} + ${hour} * 3600000 + 600000`);
    await untilRuns(
      app,
      id,
      Array.from({ length: runs }, () => "SUCCEEDED"),
    );
    const { enabled, reason } = await untilDecided(app, id);
    expect({ enabled, reason: reason?.replace(/ 2\S+/g, " then") ?? null }).toEqual({
      enabled: true,
      reason: {
        SKIP: "Ticks from then on were missed and are not made up for.",
        RUN_ONCE: "One run was started for all ticks since then",
        RUN_ALL: null,
      }[missedTicks],
    });
  });

  it("beyond the most that are made up for are left out, and the reason says so", async () => {
    const { id } = await create({ cron: "0 0 29 2 *", missedTicks: "RUN_ALL", overlap: "QUEUE" });
    await app.platform.database.commit(({ sql }) =>
      sql.run("update schedules_schedule set cron = '0 0 * * *' where name = ?", `S${count - 1}`),
    );
    await makeDue(app, [id], "(unixepoch() / 86400 - 400) * 86400000");
    await untilRuns(app, id, ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    const { reason } = await untilDecided(app, id);
    expect(reason ?? "Ticks from X until before Y were left out: the newest 3 are made up for.").toMatch(
      /were left out: the newest 3 are made up for\.$/,
    );
  });
});

describe("overlap", () => {
  it("SKIP starts nothing while a run is open, and says so", async () => {
    isOpen = false;
    const { id } = await create({ overlap: "SKIP" });
    await makeDue(app, [id]);
    await untilRuns(app, id, ["RUNNING"]);
    await makeDue(app, [id], minutesAgo(0).replace("* 60000 -", "* 60000 + 1 -"));
    expect(await untilDecided(app, id)).toMatchObject({
      enabled: true,
      reason: expect.stringMatching(/^The tick of \S+ was skipped: a run before it is still open\.$/),
    });
    open();
    await untilRuns(app, id, ["SUCCEEDED"]);
    await makeDue(app, [id], minutesAgo(0).replace("* 60000 -", "* 60000 + 2 -"));
    await untilRuns(app, id, ["SUCCEEDED", "SUCCEEDED"]);
    expect(await scheduleOf(app, id)).toMatchObject({ reason: null });
  });

  it("QUEUE runs one after the other, and skips once too many are open", async () => {
    isOpen = false;
    const { id } = await create({ overlap: "QUEUE" });
    for (let tick = 0; tick < 3; tick++) {
      await makeDue(app, [id], `unixepoch() / 60 * 60000 + ${tick}`);
      await untilDecided(app, id);
    }
    const [first, second, third] = await untilRuns(app, id, ["RUNNING", "QUEUED", "QUEUED"]);
    expect([second?.blockedBy?.id, third?.blockedBy?.id]).toEqual([first?.id, second?.id]);
    await makeDue(app, [id], "unixepoch() / 60 * 60000 + 3");
    expect((await untilDecided(app, id)).reason).toContain("was skipped");
    // What waits behind a run that was cancelled waits on for the one before it.
    const cancel = "mutation ($run: ID!) { cancelRun(run: $run) { __typename } }";
    await app.graphql(cancel, { run: second?.id }, ada);
    const [, , waiting] = await untilRuns(app, id, ["RUNNING", "CANCELLED", "QUEUED"]);
    expect(waiting?.blockedBy?.id).toBe(first?.id);
    open();
    await untilRuns(app, id, ["SUCCEEDED", "CANCELLED", "SUCCEEDED"]);
  });

  it("CANCEL_PREVIOUS cancels what is open first", async () => {
    isOpen = false;
    const { id } = await create({ overlap: "CANCEL_PREVIOUS" });
    await makeDue(app, [id]);
    await untilRuns(app, id, ["RUNNING"]);
    await makeDue(app, [id], "unixepoch() / 60 * 60000 + 1");
    await untilRuns(app, id, ["CANCELLED", "RUNNING"]);
    open();
    await untilRuns(app, id, ["CANCELLED", "SUCCEEDED"]);
  });
});

describe("a schedule whose run cannot be started", () => {
  it.each([
    [
      "is stopped",
      async () => void (await mutations(app).stop({ name: "Paper" }, "DRAIN")),
      async () => void (await mutations(app).start({ name: "Paper" })),
      /The agent "Paper" is paused/,
    ],
    [
      "is archived",
      async () => void (await mutations(app).archive({ name: "Paper" })),
      async () => void (await mutations(app).start({ name: "Paper" })),
      /The agent "Paper" is archived/,
    ],
  ])("since its agent %s is disabled with a reason; enabling it checks again and clears that", async (_, stop, start, reason) => {
    const { id } = await create({});
    await stop();
    await makeDue(app, [id]);
    const disabled = await untilDisabled(app, id);
    expect(disabled).toMatchObject({ nextAt: null, reason: expect.stringMatching(reason) });
    expect(await runsOf(app, id)).toEqual([]);
    expect(await verbs(app).update({ schedule: id, enabled: true })).toMatchObject({
      __typename: "ConflictError",
      code: "AGENT_NOT_ACTIVE",
    });
    expect(await verbs(app).update({ schedule: id, text: "Other." })).toMatchObject({ __typename: "ConflictError" });
    expect(made(await verbs(app).update({ schedule: id, name: `R${count++}` }))).toMatchObject({ enabled: false, reason: disabled.reason });
    await start();
    expect(made(await verbs(app).update({ schedule: id, enabled: true }))).toMatchObject({
      enabled: true,
      reason: null,
      nextAt: expect.any(String),
    });
  });

  it("since its thread is archived or gone is disabled", async () => {
    const { createThread } = await app.graphql<{ createThread: { thread: { id: string } } }>(
      "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
      {},
      ada,
    );
    const thread = createThread.thread.id;
    const { id } = await create({ thread });
    await app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread }, ada);
    await makeDue(app, [id]);
    expect((await untilDisabled(app, id)).reason).toContain("no such thread");
    expect(made(await verbs(app).update({ schedule: id, thread: null, enabled: true }))).toMatchObject({ enabled: true, thread: null });
  });

  it("since its workflow takes another input by now is disabled, with the fields that do not fit", async () => {
    const change = (mutation: string, type: string, input: object) =>
      app.graphql(`mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename } }`, { input }, ada);
    const schemaOf = (members: object) => ({ type: "object", properties: members, required: Object.keys(members) });
    const nodes = [{ key: "t", kind: "transform", config: { expression: "input" } }];
    await change("createWorkflow", "CreateWorkflowInput", { name: "Typed", nodes, inputSchema: schemaOf({ a: { type: "number" } }) });
    const { id } = await create({ text: null, input: { a: 1 }, target: { workflow: { name: "Typed" } } });
    const inputSchema = schemaOf({ a: { type: "string" }, b: {} });
    await change("updateWorkflow", "UpdateWorkflowInput", { workflow: { name: "Typed" }, inputSchema });
    await makeDue(app, [id]);
    expect((await untilDisabled(app, id)).reason).toMatch(
      /: The target does not take what it would be given\. .*input\.a: must be string.* Correct it with updateSchedule\. Then enable it/,
    );
    expect(await verbs(app).update({ schedule: id, enabled: true })).toMatchObject({ code: "INVALID_INPUT" });
    expect(made(await verbs(app).update({ schedule: id, enabled: true, input: { a: "x", b: 1 } }))).toMatchObject({ reason: null });
  });
});
