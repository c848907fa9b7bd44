import assert from "node:assert/strict";
import type { LoggedEvent } from "../../core/runs/events.ts";
import { runtimes, type RuntimeFeatures } from "../../core/runs/runtime.ts";
import type { Viewer } from "../../core/database/viewer.ts";
import { testViewer } from "../viewers.ts";
import type { CheckSource } from "./check.ts";
import { Stage, ended, openAfter, said, type RuntimeUnderTest } from "./stage.ts";

const nothingOpen = { messages: [], steps: [], calls: [], interrupts: [] };
const kindsOf = (log: readonly LoggedEvent[]): string[] => log.map(({ kind }) => kind);

/** Kinds that only a runtime with the feature lets stand in its log. */
const kindOfFeature = { state: "state.patched", steps: "step.started", usage: "usage.recorded", tools: "tool.requested" } as const;

/** What a runtime declares, held against what it does: each feature is exercised, or refused where it is not declared. */
export function featureChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  return [
    {
      name: "waits for an approval that nobody else can give, survives a restart, and resumes once",
      exercises: ["interrupts", "resume"],
      run: async (saw) => {
        await using stage = await Stage.set(runtime);
        const { interrupts, resume } = declared(stage, runtime);
        const id = await stage.start(said.send);
        const first = await stage.until(id, ["WAITING", ...ended]);
        assert.equal(first.status === "WAITING", interrupts && resume, `${first.status} ${JSON.stringify(first.failure)}`);
        assert.deepEqual(stage.effects.sent, [], "nothing happens before the approval");
        const how = interrupts && resume ? "at work" : "absent";
        if (how === "at work") {
          await approvedOnce(stage, id);
          await approvedAtOnce(stage);
        }
        saw("interrupts", how);
        saw("resume", how);
      },
    },
    {
      name: "does what it declares, and does not do what it does not declare",
      exercises: ["streaming", "tools", "steps", "state", "usage"],
      run: async (saw) => {
        await using stage = await Stage.set(runtime, { tokensPerSecond: 100 });
        const features = declared(stage, runtime);
        const run = await stage.play(said.echo);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        const log = await stage.log(run);
        for (const [name, kind] of Object.entries(kindOfFeature)) {
          const feature = name as keyof typeof kindOfFeature;
          // The engine itself tells of the steps of tools.
          const own = log.filter((event) => event.kind === kind && (event.payload as { stepKind?: string }).stepKind !== "TOOL");
          assert.equal(own.length > 0, features[feature], `${feature}: ${own.length} ${kind}`);
          saw(feature, own.length > 0 ? "at work" : "absent");
        }
        if (features.usage) assert.ok(run.usage.totalTokens > 0 && run.usage.modelCalls > 0, "tokens are counted");
        if (features.usage && features.steps) assertUsage(log);
        if (features.tools) assertCall(log);
        const words = kindsOf(await stage.log(await stage.play(said.hello))).filter((kind) => kind === "message.delta").length;
        // Without a model nothing sets the pace, and the log joins what comes at once.
        const streamed = words > (runtime.model === "none" ? 0 : 1);
        assert.equal(streamed, features.streaming, `streaming: ${words} deltas of an answer that takes its time`);
        saw("streaming", streamed ? "at work" : "absent");
      },
    },
    {
      name: "answers by a JSON Schema of the run and of the agent itself, or the agent's health says that it cannot",
      exercises: ["structuredOutput"],
      run: async (saw) => {
        await using stage = await Stage.set(runtime, { tools: "none" });
        if (!declared(stage, runtime).structuredOutput) {
          await assertDegraded(stage);
          return saw("structuredOutput", "absent");
        }
        await stage.agent({ name: "painter", outputSchema });
        const runs = await Promise.all([stage.play(said.json, { outputSchema }), stage.play(said.json, painter)]);
        for (const { status, output, failure } of runs)
          assert.deepEqual([status, output], ["SUCCEEDED", { colour: "red" }], JSON.stringify(failure));
        saw("structuredOutput", "at work");
      },
    },
    {
      name: "makes an answer that does not fit the agent's schema the failure OUTPUT_INVALID",
      ...(runtime.model === "simulated" ? { inapplicable: "the simulated model fits every answer to its schema" } : {}),
      run: async () => {
        await using stage = await Stage.set(runtime, { tools: "none" });
        await stage.agent({ name: "painter", outputSchema });
        const runs = await Promise.all([said.misfit, said.prose].map((text) => stage.play(text, painter)));
        for (const run of runs) {
          assert.deepEqual([run.status, run.failure?.code], ["FAILED", "OUTPUT_INVALID"], JSON.stringify(run.failure));
          assert.equal(run.output, null, "there is no output");
          assert.deepEqual(openAfter(await stage.log(run)), nothingOpen);
        }
      },
    },
  ];
}

const painter = { target: { agent: { name: "painter" } } };
const outputSchema = {
  type: "object",
  properties: { colour: { type: "string", enum: ["red"] } },
  required: ["colour"],
  additionalProperties: false,
};

/** What the runtime declares, asked of the host: the suite needs none to know. */
export function declared(stage: Stage, { framework }: RuntimeUnderTest): RuntimeFeatures {
  const found = stage.app.platform.host.contributions(runtimes).get(framework);
  assert.ok(found, `a plugin provides the framework "${framework}"`);
  return found.value.features;
}

/** Decides an interrupt. */
export const decide = `mutation ($input: DecideInterruptInput!) {
  result: decideInterrupt(input: $input) { __typename ... on DecideInterruptPayload { made: run { id } } ... on UserError { message } } }`;

/** How a decision is answered. */
async function decided(stage: Stage, input: object, viewer?: Viewer): Promise<string> {
  const { result } = await stage.app.graphql<{ result: { __typename: string } }>(decide, { input }, viewer);
  return result.__typename;
}

/** Decisions for other arguments, of strangers and behind the first one change nothing. */
async function approvedOnce(stage: Stage, id: string): Promise<void> {
  await stage.app.restart();
  const [interrupt] = (await stage.until(id, ["WAITING"])).interrupts.nodes;
  assert.ok(interrupt, "the question is there after the restart");
  const input = { interrupt: interrupt.id, kind: "APPROVE", argumentsHash: interrupt.argumentsHash };
  assert.equal(await decided(stage, { ...input, argumentsHash: "0".repeat(64) }), "ConflictError", "for other arguments");
  assert.equal(await decided(stage, input, testViewer("stranger", { tenantId: "elsewhere" })), "NotFoundError", "of a stranger");
  assert.deepEqual(stage.effects.sent, [], "nothing happens before the approval");
  await Promise.all([stage.mutate(decide, { input }), stage.mutate(decide, { input })]);
  const run = await stage.until(id, ended);
  assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
  assert.deepEqual(stage.effects.sent, ["letter"], "the tool runs once");
  assert.equal(await decided(stage, { ...input, kind: "REJECT" }), "ConflictError", "another decision, later");
  assert.deepEqual(openAfter(await stage.log(run)), nothingOpen);
}

/** A decision that comes as soon as the question stands, before the run has come to wait. */
async function approvedAtOnce(stage: Stage): Promise<void> {
  const id = await stage.start(said.send);
  const [interrupt] = await stage.asked(id);
  assert.ok(interrupt, "the question is asked");
  await stage.mutate(decide, { input: { interrupt: interrupt.id, kind: "APPROVE", argumentsHash: interrupt.argumentsHash } });
  const run = await stage.until(id, ended);
  assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
  assert.deepEqual(stage.effects.sent, ["letter", "letter"], "the early approval counts, once");
  assert.deepEqual(openAfter(await stage.log(run)), nothingOpen);
}

async function assertDegraded(stage: Stage): Promise<void> {
  await stage.agent({ name: "painter", outputSchema });
  const { agent } = await stage.app.graphql<{ agent: { health: { status: string; detail: string } } }>(
    '{ agent(ref: { name: "painter" }) { health { status detail } } }',
  );
  assert.equal(agent.health.status, "DEGRADED");
  assert.match(agent.health.detail, /no structured output/);
}

/** One count of tokens a model call, none over several. */
function assertUsage(log: readonly LoggedEvent[]): void {
  const calls = log.filter(({ kind, payload }) => kind === "step.started" && (payload as { stepKind: string }).stepKind === "MODEL");
  const counted = log.filter(({ kind }) => kind === "usage.recorded").map(({ payload }) => (payload as { s?: number }).s);
  assert.deepEqual(counted.toSorted(), calls.map(({ payload }) => (payload as { s: number }).s).toSorted(), "one count a model call");
}

/** One call, from the request to its result, under one number; its arguments are what came of them piece by piece. */
function assertCall(log: readonly LoggedEvent[]): void {
  const of = log.filter(({ kind }) => kind.startsWith("tool."));
  assert.equal(new Set(of.map(({ payload }) => (payload as { c: number }).c)).size, 1);
  assert.deepEqual([...new Set(kindsOf(of))], ["tool.requested", "tool.arguments", "tool.started", "tool.finished"]);
  const written = of
    .filter(({ kind }) => kind === "tool.arguments")
    .map(({ payload }) => payload as { delta?: string; arguments?: unknown });
  const whole = written.at(-1)?.arguments ?? JSON.parse(written.map(({ delta = "" }) => delta).join(""));
  assert.deepEqual(whole, { text: "thread" }, JSON.stringify(written));
  const last = of.at(-1)?.payload as { readonly status: string; readonly result: unknown } | undefined;
  assert.deepEqual([last?.status, last?.result], ["SUCCESS", { heard: "thread" }]);
}
