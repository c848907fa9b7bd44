import assert from "node:assert/strict";
import type { LoggedEvent } from "../../core/runs/events.ts";
import { runtimes, type RuntimeFeatures } from "../../core/runs/runtime.ts";
import type { Viewer } from "../../core/database/viewer.ts";
import { testViewer } from "../viewers.ts";
import type { CheckSource } from "./check.ts";
import { Stage, ended, said, type RuntimeUnderTest } from "./stage.ts";

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
        if (!interrupts || !resume) return;
        await approvedOnce(stage, id);
        await approvedAtOnce(stage);
        saw("interrupts");
        saw("resume");
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
          if (own.length > 0) saw(feature);
        }
        if (features.usage) assert.ok(run.usage.totalTokens > 0 && run.usage.modelCalls > 0, "tokens are counted");
        if (features.tools) assertCall(log);
        const words = kindsOf(await stage.log(await stage.play(said.hello))).filter((kind) => kind === "message.delta").length;
        // Without a model nothing sets the pace, and the log joins what comes at once.
        const streamed = words > (runtime.model === "none" ? 0 : 1);
        assert.equal(streamed, features.streaming, `streaming: ${words} deltas of an answer that takes its time`);
        if (streamed) saw("streaming");
      },
    },
    {
      name: "answers by a JSON Schema, or the agent's health says that it cannot",
      exercises: ["structuredOutput"],
      run: async (saw) => {
        await using stage = await Stage.set(runtime, { tools: "none" });
        const outputSchema = {
          type: "object",
          properties: { colour: { type: "string" } },
          required: ["colour"],
          additionalProperties: false,
        };
        if (!declared(stage, runtime).structuredOutput) return await assertDegraded(stage, outputSchema);
        const run = await stage.play(said.json, { outputSchema });
        assert.deepEqual([run.status, run.output], ["SUCCEEDED", { colour: "red" }], JSON.stringify(run.failure));
        saw("structuredOutput");
      },
    },
  ];
}

/** What the runtime declares, asked of the host: the suite needs none to know. */
export function declared(stage: Stage, { framework }: RuntimeUnderTest): RuntimeFeatures {
  const found = stage.app.platform.host.contributions(runtimes).get(framework);
  assert.ok(found, `a plugin provides the framework "${framework}"`);
  return found.value.features;
}

const decide = `mutation ($input: DecideInterruptInput!) {
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
  assert.deepEqual(await stage.openAfter(run), nothingOpen);
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
  assert.deepEqual(await stage.openAfter(run), nothingOpen);
}

async function assertDegraded(stage: Stage, outputSchema: object): Promise<void> {
  const input = { agent: { name: "actor" }, outputSchema };
  await stage.mutate(
    "mutation ($input: UpdateAgentInput!) { result: updateAgent(input: $input) { ... on UpdateAgentPayload { made: agent { id } } ... on UserError { message } } }",
    { input },
  );
  const { agent } = await stage.app.graphql<{ agent: { health: { status: string; detail: string } } }>(
    '{ agent(ref: { name: "actor" }) { health { status detail } } }',
  );
  assert.equal(agent.health.status, "DEGRADED");
  assert.match(agent.health.detail, /no structured output/);
}

/** One call, from the request to its result, under one number. */
function assertCall(log: readonly LoggedEvent[]): void {
  const of = log.filter(({ kind }) => kind.startsWith("tool."));
  assert.equal(new Set(of.map(({ payload }) => (payload as { c: number }).c)).size, 1);
  assert.deepEqual([...new Set(kindsOf(of))], ["tool.requested", "tool.arguments", "tool.started", "tool.finished"]);
  const last = of.at(-1)?.payload as { readonly status: string; readonly result: unknown } | undefined;
  assert.deepEqual([last?.status, last?.result], ["SUCCESS", { heard: "thread" }]);
}
