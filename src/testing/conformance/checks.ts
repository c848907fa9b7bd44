import assert from "node:assert/strict";
import type { LoggedEvent } from "../../core/runs/events.ts";
import { runtimes, type RuntimeFeatures } from "../../core/runs/runtime.ts";
import type { ConformanceCheck } from "./check.ts";
import { Stage, ended, said, type RuntimeUnderTest } from "./stage.ts";

const nothingOpen = { messages: [], steps: [], calls: [], interrupts: [] };
const kindsOf = (log: readonly LoggedEvent[]): string[] => log.map(({ kind }) => kind);

/** Deltas of each message, joined. */
function joined(log: readonly LoggedEvent[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (const { kind, payload } of log) {
    if (kind !== "message.delta") continue;
    const [m, , text, reasoning] = payload as readonly [number, number, string, 1?];
    if (!reasoning) texts.set(m, (texts.get(m) ?? "") + text);
  }
  return texts;
}

/** What holds for every runtime. */
export function checksOf(runtime: RuntimeUnderTest): ConformanceCheck[] {
  return [
    {
      name: "tells a run in the order of the protocol, without a gap, and leaves nothing open",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const run = await stage.play(said.hello);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        assert.deepEqual(await stage.openAfter(run), nothingOpen);
        const log = await stage.log(run);
        assert.deepEqual(
          log.map(({ seq }) => seq),
          log.map((_, index) => index + 1),
        );
        assert.deepEqual([log[0]?.kind, log.at(-1)?.kind], ["run.queued", "run.finished"]);
      },
    },
    {
      name: "says in deltas exactly what the message then holds",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const run = await stage.play(said.hello);
        const log = await stage.log(run);
        const finished = log
          .filter(({ kind }) => kind === "message.finished")
          .map(({ payload }) => payload as { readonly m: number; readonly text: string });
        assert.ok(finished.length > 0, "a message is finished");
        for (const { m, text } of finished) assert.equal(joined(log).get(m) ?? "", text);
        assert.equal(finished.at(-1)?.text, run.text);
        assert.ok((run.text ?? "").length > 0, "something is said");
      },
    },
    {
      name: "ends within two seconds of a cancel, with what was said so far",
      run: async () => {
        await using stage = await Stage.set(runtime, { tokensPerSecond: 50 });
        const id = await stage.start(said.slow);
        while (!kindsOf(await stage.log({ id })).includes("message.delta")) await new Promise((resolve) => setTimeout(resolve, 10));
        const cancelled = performance.now();
        await stage.mutate(
          "mutation ($id: ID!) { result: cancelRun(run: $id) { ... on CancelRunPayload { made: run { id } } ... on UserError { message } } }",
          { id },
        );
        const run = await stage.until(id, ended);
        assert.ok(performance.now() - cancelled < 2_000, `it took ${Math.round(performance.now() - cancelled)} ms`);
        assert.equal(run.status, "CANCELLED");
        assert.deepEqual(await stage.openAfter(run), nothingOpen);
      },
    },
    {
      name: "keeps the events of fifty runs at once apart",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const markers = Array.from({ length: 50 }, (_, index) => `marker-${String(index).padStart(3, "0")}`);
        const runs = await Promise.all(markers.map(async (marker) => ({ marker, run: await stage.play(said.apart(marker)) })));
        for (const { marker, run } of runs) {
          assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
          const words = [...joined(await stage.log(run)).values()].join("");
          assert.ok(words.includes(marker), `${marker} is said in its own run`);
          assert.deepEqual([...new Set(words.match(/marker-\d+/g))], [marker]);
          await stage.openAfter(run);
        }
      },
    },
    ...approvals(runtime),
    ...featureChecks(runtime),
  ];
}

/** A feature that the runtime declares, asked of the host: the suite needs none to know. */
function declared(stage: Stage, { framework }: RuntimeUnderTest): RuntimeFeatures {
  const found = stage.app.platform.host.contributions(runtimes).get(framework);
  assert.ok(found, `a plugin provides the framework "${framework}"`);
  return found.value.features;
}

function approvals(runtime: RuntimeUnderTest): ConformanceCheck[] {
  const decide = `mutation ($input: DecideInterruptInput!) {
    result: decideInterrupt(input: $input) { ... on DecideInterruptPayload { made: run { id } } ... on UserError { message } } }`;
  return [
    {
      name: "waits for an approval, survives a restart, and resumes once",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const { interrupts, resume } = declared(stage, runtime);
        if (!interrupts || !resume) return;
        const id = await stage.start(said.send);
        const waiting = await stage.until(id, ["WAITING", ...ended]);
        assert.equal(waiting.status, "WAITING", JSON.stringify(waiting.failure));
        assert.deepEqual(stage.effects.sent, [], "nothing happens before the approval");
        await stage.app.restart();
        const [interrupt] = (await stage.until(id, ["WAITING"])).interrupts.nodes;
        assert.ok(interrupt, "the question is there after the restart");
        const input = { interrupt: interrupt.id, kind: "APPROVE", argumentsHash: interrupt.argumentsHash };
        await Promise.all([stage.mutate(decide, { input }), stage.mutate(decide, { input })]);
        const run = await stage.until(id, ended);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        assert.deepEqual(stage.effects.sent, ["letter"], "the tool runs once");
        assert.deepEqual(await stage.openAfter(run), nothingOpen);
      },
    },
  ];
}

/** Kinds that only a runtime with the feature lets stand in its log. */
const kindOfFeature = { state: "state.patched", steps: "step.started", usage: "usage.recorded", tools: "tool.requested" } as const;

function featureChecks(runtime: RuntimeUnderTest): ConformanceCheck[] {
  return [
    {
      name: "does what it declares, and does not do what it does not declare",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const features = declared(stage, runtime);
        const run = await stage.play(said.echo);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        const log = await stage.log(run);
        for (const [feature, kind] of Object.entries(kindOfFeature)) {
          // The engine itself tells of the steps of tools.
          const own = log.filter((event) => event.kind === kind && (event.payload as { stepKind?: string }).stepKind !== "TOOL");
          assert.equal(own.length > 0, features[feature as keyof RuntimeFeatures], `${feature}: ${own.length} ${kind}`);
        }
        if (features.usage) assert.ok(run.usage.totalTokens > 0 && run.usage.modelCalls > 0, "tokens are counted");
        if (features.tools) assertCall(log);
        const hello = await stage.play(said.hello);
        const deltas = kindsOf(await stage.log(hello)).filter((kind) => kind === "message.delta").length;
        assert.ok(!features.streaming || deltas > 0, `streaming: ${deltas} deltas`);
      },
    },
    {
      name: "answers by a JSON Schema, or the agent's health says that it cannot",
      run: async () => {
        await using stage = await Stage.set(runtime, { tools: "none" });
        const { structuredOutput } = declared(stage, runtime);
        const outputSchema = {
          type: "object",
          properties: { colour: { type: "string" } },
          required: ["colour"],
          additionalProperties: false,
        };
        if (structuredOutput) {
          const run = await stage.play(said.json, { outputSchema });
          assert.deepEqual([run.status, run.output], ["SUCCEEDED", { colour: "red" }], JSON.stringify(run.failure));
          return;
        }
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
      },
    },
  ];
}

/** One call, from the request to its result, under one number. */
function assertCall(log: readonly LoggedEvent[]): void {
  const of = log.filter(({ kind }) => kind.startsWith("tool."));
  assert.equal(new Set(of.map(({ payload }) => (payload as { c: number }).c)).size, 1);
  assert.deepEqual([...new Set(kindsOf(of))], ["tool.requested", "tool.arguments", "tool.started", "tool.finished"]);
  const last = of.at(-1)?.payload as { readonly status: string; readonly result: unknown } | undefined;
  assert.deepEqual([last?.status, last?.result], ["SUCCESS", { heard: "thread" }]);
}
