import { setTimeout } from "node:timers/promises";
import { contribution, definePlugin, localId, tools, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import { agents, capabilities, chat, files, models, schedules, simulated, workflows } from "../../src/plugins/index.ts";
import { fakeRuntime, sayText, scriptMemory, testPlatform, type TestPlatform } from "../../src/testing/index.ts";
import { tool } from "../plugins/capabilities/play.ts";

/** A platform whose runs say everything that there is to say. */
export function logsPlatform(dataDir?: string): Promise<TestPlatform> {
  const loom = definePlugin({
    id: "loom",
    contributes: [
      tool("loom.weave", {
        execute: (args, { progress }) => {
          progress({ rows: 1 });
          return { args };
        },
      }),
      tool("loom.cut", { approval: "ALWAYS", idempotent: false }),
      tool("loom.snap", {
        execute: () => {
          throw new Error("The thread snapped.");
        },
      }),
      tool("loom.remember", {
        execute: (_, { memoryChanged }) => {
          memoryChanged({ action: "SAVED", records: ["m2"] });
          memoryChanged({ action: "UPDATED", records: ["m3", "m2"] });
          memoryChanged({ action: "FORGOTTEN", records: ["m1"] });
          return null;
        },
      }),
      tool("loom.unroll", { execute: () => "warp ".repeat(14_000) }),
    ].map((each) => contribution(tools, each.name, each)),
  });
  return testPlatform({
    plugins: [
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      chat(),
      files(),
      schedules(),
      workflows(),
      fakeRuntime({ turn }),
      scriptMemory({ recall: () => [{ id: "m1", scope: "USER", text: "Likes tea.", score: 0.9 }] }),
      loom(),
    ],
    ...(dataDir === undefined ? {} : { dataDir }),
  });
}

/** What an agent says, by the text that it is given. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const text = JSON.stringify(request);
  if (text.includes("Fail.")) throw new Error("The loom broke.");
  if (text.includes("Wait.")) {
    yield { kind: "message.started", message: "half" };
    yield { kind: "message.delta", message: "half", part: 0, channel: "TEXT", text: "I am wai" };
    await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
  }
  yield { kind: "step.started", step: "model/1", name: "model", stepKind: "MODEL" };
  yield { kind: "message.started", message: "1" };
  yield { kind: "message.delta", message: "1", part: 0, channel: "REASONING", text: "The thread is short." };
  yield { kind: "message.delta", message: "1", part: 1, channel: "TEXT", text: "I weave, then I cut." };
  yield { kind: "message.finished", message: "1", status: "COMPLETE" };
  yield { kind: "usage.recorded", step: "model/1", provider: "fake", model: "loom", inputTokens: 3, outputTokens: 5 };
  yield { kind: "step.finished", step: "model/1", status: "SUCCEEDED", output: "woven" };
  await ctx.callTools([
    { callId: "weave", name: "loom.weave", arguments: { rows: 2 } },
    { callId: "cut", name: "loom.cut", arguments: { at: 2 } },
  ]);
  yield { kind: "state.patched", patch: { rows: 2 } };
  yield { kind: "progress", done: 1, total: 2 };
  yield { kind: "custom", name: "loom.note", data: { warm: true } };
  yield* sayText("Done.", { key: "2" });
}

const failures = "... on UserError { message } ... on InvalidInputError { issues { path message } }";
const ends = new Set(["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);

interface Seen {
  readonly runStatus?: string;
  readonly runId: string;
  readonly interruptStatus?: string;
  readonly interrupt?: { readonly id: string; readonly kind: string; readonly argumentsHash: string | null };
}

/** One log to record: starts its runs, and returns the one whose stream is kept. */
export const scenarios: Readonly<Record<string, (app: TestPlatform) => Promise<string>>> = {
  chat: async (app) => {
    await agent(app, "Weaver");
    const run = await start(app, { agent: { name: "Weaver" } }, { text: "Weave." });
    await follow(app, run);
    return run;
  },
  remembered: async (app) => {
    await workflow(app, "remembers", [{ key: "t", kind: "tool", config: { tool: "loom.remember" } }]);
    const run = await start(app, { workflow: { name: "remembers" } }, {});
    await follow(app, run);
    return run;
  },
  failed: async (app) => {
    const run = await start(app, { agent: { name: "Weaver" } }, { text: "Fail." });
    await follow(app, run);
    return run;
  },
  cancelled: async (app) => {
    const run = await start(app, { agent: { name: "Weaver" } }, { text: "Wait." });
    await follow(app, run, ({ runStatus }) => runStatus === "RUNNING");
    await change(app, "cancelRun", run);
    await follow(app, run);
    return run;
  },
  expired: async (app) => {
    const run = await start(app, { agent: { name: "Weaver" } }, { text: "Wait.", limits: { deadline: "PT0.2S" } });
    await follow(app, run);
    return run;
  },
  workflow: async (app) => {
    await workflow(app, "inner", [{ key: "double", kind: "transform", config: { expression: "input.n * 2" } }]);
    await workflow(app, "everything", everything);
    const run = await start(app, { workflow: { name: "everything" } }, { input: { n: 3 } });
    await app.graphql(`mutation ($run: ID!) { signalRun(run: $run, name: "go", payload: { rows: 2 }) { ${failures} } }`, { run });
    await follow(app, run);
    return run;
  },
  paused: async (app) => {
    await workflow(app, "waits", [{ key: "w", kind: "wait", config: { signal: "go" } }]);
    const run = await start(app, { workflow: { name: "waits" } }, {});
    await follow(app, run, ({ runStatus }) => runStatus === "WAITING");
    await change(app, "pauseRun", run);
    await change(app, "resumeRun", run);
    await app.graphql(`mutation ($run: ID!) { signalRun(run: $run, name: "go") { ${failures} } }`, { run });
    await follow(app, run);
    return run;
  },
  undone: async (app) => {
    await workflow(app, "undone", undone);
    const run = await start(app, { workflow: { name: "undone" } }, {});
    await follow(app, run);
    return run;
  },
  forked: async (app) => {
    await workflow(app, "fails", [weave("a"), { key: "t", kind: "tool", dependsOn: ["a"], config: { tool: "loom.snap" } }]);
    const failed = await start(app, { workflow: { name: "fails" } }, {});
    await follow(app, failed);
    const { retryRun } = await app.graphql<{ retryRun: { run: { id: string } } }>(
      `mutation ($run: ID!) { retryRun(input: { run: $run, fromNode: "t" }) { ... on RetryRunPayload { run { id } } ${failures} } }`,
      { run: failed },
    );
    await follow(app, retryRun.run.id);
    return retryRun.run.id;
  },
  scheduled: async (app) => {
    await workflow(app, "doubles", [{ key: "double", kind: "transform", config: { expression: "input.n * 2" } }, weave("t")]);
    const schedule = await scheduled(app, { target: { workflow: { name: "doubles" } }, input: { n: 4 } });
    const run = await runOfSchedule(app, schedule);
    await follow(app, run);
    return run;
  },
  large: async (app) => {
    await workflow(app, "unrolls", large);
    const run = await start(app, { workflow: { name: "unrolls" } }, { input: { pattern: "weft ".repeat(14_000) } });
    await follow(app, run);
    return run;
  },
};

const weave = (key: string, more: object = {}): object => ({
  key,
  kind: "tool",
  config: { tool: "loom.weave", arguments: { key } },
  ...more,
});

const everything: readonly object[] = [
  { key: "size", kind: "branch", config: { cases: [{ when: "input.n > 2", to: "big" }], else: "small" } },
  { key: "big", kind: "transform", dependsOn: ["size"], config: { expression: "input.n + 1" } },
  { key: "small", kind: "transform", dependsOn: ["size"], config: { expression: "0" } },
  { key: "m", kind: "map", config: { over: "[1, 2]", node: { kind: "transform", config: { expression: "item * 2" } } } },
  { key: "l", kind: "loop", config: { while: "index < 2", max: 3, node: { kind: "transform", config: { expression: "index" } } } },
  weave("t"),
  { key: "a", kind: "agent", config: { agent: "Weaver", text: "Weave." } },
  { key: "f", kind: "workflow", config: { workflow: "inner", input: { n: "{{ input.n }}" } } },
  { key: "ok", kind: "approval", config: { message: "Go on?" } },
  { key: "q", kind: "input", config: { message: "Which?" } },
  { key: "s", kind: "wait", config: { signal: "go" } },
  { key: "d", kind: "wait", config: { duration: "PT0.01S" } },
  {
    key: "snaps",
    kind: "tool",
    config: { tool: "loom.snap" },
    retry: { attempts: 2, delay: "PT0.01S" },
    onError: "ROUTE",
    errorNode: "mend",
  },
  { key: "mend", kind: "transform", config: { expression: "'mended'" } },
  { key: "end", kind: "transform", dependsOn: ["big", "m", "l", "f", "q", "snaps"], config: { expression: "nodes.f.output" } },
];

const undone: readonly object[] = [
  weave("a", { undo: "undoA" }),
  weave("b", { dependsOn: ["a"], undo: "undoB" }),
  { key: "t", kind: "tool", dependsOn: ["b"], config: { tool: "loom.snap" } },
  weave("undoA"),
  weave("undoB"),
];

/** Values above 64 KiB: what the run is given, a tool gives, another is given, and the run ends with. */
const large: readonly object[] = [
  { key: "cloth", kind: "tool", config: { tool: "loom.unroll" } },
  { key: "woven", kind: "tool", dependsOn: ["cloth"], config: { tool: "loom.weave", arguments: { cloth: "{{ nodes.cloth.output }}" } } },
  {
    key: "end",
    kind: "transform",
    dependsOn: ["woven"],
    config: { expression: '{"rows": 2, "cloth": nodes.cloth.output, "pattern": [input.pattern]}' },
  },
];

async function agent(app: TestPlatform, name: string): Promise<void> {
  const input = {
    name,
    framework: "fake",
    capabilities: ["loom.weave", "loom.cut"],
    memory: { recall: true, scopes: ["USER"] },
  };
  await app.graphql(`mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ${failures} } }`, { input });
}

async function workflow(app: TestPlatform, name: string, nodes: readonly object[]): Promise<void> {
  const { createWorkflow } = await app.graphql<{ createWorkflow: { __typename: string } }>(
    `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename ${failures} } }`,
    { input: { name, nodes } },
  );
  if (createWorkflow.__typename !== "CreateWorkflowPayload") throw new Error(JSON.stringify(createWorkflow));
}

async function start(app: TestPlatform, target: object, more: object): Promise<string> {
  const { startRun } = await app.graphql<{ startRun: { run?: { id: string } } }>(
    `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ${failures} } }`,
    { input: { target, ...more } },
  );
  if (!startRun.run) throw new Error(JSON.stringify(startRun));
  return startRun.run.id;
}

/** Makes a schedule whose tick has come. @returns its id. */
async function scheduled(app: TestPlatform, work: object): Promise<string> {
  const { createSchedule } = await app.graphql<{ createSchedule: { schedule: { id: string } } }>(
    `mutation ($input: CreateScheduleInput!) { createSchedule(input: $input) { ... on CreateSchedulePayload { schedule { id } } ${failures} } }`,
    { input: { name: "Leap days", cron: "0 0 29 2 *", ...work } },
  );
  const { id } = createSchedule.schedule;
  await app.platform.database.commit(({ sql }) =>
    sql.run("update schedules_schedule set next_at = unixepoch() / 60 * 60000 where id = ?", localId("Schedule", id) ?? ""),
  );
  // Any change wakes the timer, also one of nothing.
  await app.graphql(`mutation ($schedule: ID!) { updateSchedule(input: { schedule: $schedule }) { __typename } }`, { schedule: id });
  return id;
}

async function runOfSchedule(app: TestPlatform, schedule: string): Promise<string> {
  for (let tries = 0; tries < 500; tries++) {
    const { node } = await app.graphql<{ node: { reason: string | null; runs: { nodes: { id: string }[] } } }>(
      "query ($schedule: ID!) { node(id: $schedule) { ... on Schedule { reason runs { nodes { id } } } } }",
      { schedule },
    );
    const [run] = node.runs.nodes;
    if (run) return run.id;
    if (node.reason !== null) throw new Error(node.reason);
    await setTimeout(10);
  }
  throw new Error("The schedule started no run.");
}

/** To its end, or to where `until` says; what it asks is allowed. */
async function follow(app: TestPlatform, run: string, until: (event: Seen) => boolean = () => false): Promise<void> {
  const stream = await app.subscribe<{ runEvents: Seen }>(
    `subscription ($run: ID!) { runEvents(run: $run, after: 0) { runId ... on RunStatusEvent { runStatus }
      ... on InterruptEvent { interruptStatus interrupt { id kind argumentsHash } } } }`,
    { run },
  );
  for await (const { runEvents: event } of stream) {
    if (event.interrupt && event.interruptStatus === "PENDING") {
      const { id: interrupt, kind, argumentsHash } = event.interrupt;
      const decision = kind === "INPUT" ? { kind: "ANSWER", payload: "red" } : { kind: "APPROVE" };
      await app.graphql(`mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename ${failures} } }`, {
        input: { interrupt, ...(argumentsHash === null ? {} : { argumentsHash }), ...decision },
      });
    }
    if (until(event) || (event.runId === run && ends.has(event.runStatus ?? ""))) break;
  }
  await stream.return?.();
}

async function change(app: TestPlatform, name: "pauseRun" | "resumeRun" | "cancelRun", run: string): Promise<void> {
  await app.graphql(`mutation ($run: ID!) { ${name}(run: $run) { ${failures} } }`, { run });
}
