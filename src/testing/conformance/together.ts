import assert from "node:assert/strict";
import { contribution } from "../../core/kernel/refs.ts";
import { definePlugin } from "../../core/plugin.ts";
import { faultInjections } from "../../core/runs/failpoint.ts";
import type { CheckSource } from "./check.ts";
import { decide, declared } from "./features.ts";
import { Stage, ended, openAfter, said, type RuntimeUnderTest } from "./stage.ts";

const nothingOpen = { messages: [], steps: [], calls: [], interrupts: [] };

/** Whether agents of the runtime work together: a call that is a run takes no place of its own, waits with that run, and is answered once. */
export function togetherChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  const { model = "responses" } = runtime;
  // It may be there only when the checks run.
  const hasOwnProvider = "provider" in runtime;
  const asks = model !== "none" && !hasOwnProvider;
  return [
    {
      name: "asks an agent that asks another, in one place, waits with them for a person, survives a restart, and goes on once",
      ...(asks ? {} : { inapplicable: "what it is answered by does not know of other agents" }),
      run: async () => {
        await using stage = await Stage.set(runtime, { tools: "none", more: () => [onePlace()] });
        const { tools, interrupts, resume } = declared(stage, runtime);
        if (!tools || !interrupts || !resume) return;
        await stage.agent({ name: "bottom", capabilities: ["conformance.send"] });
        await stage.agent({ name: "middle", capabilities: ["agent.bottom"] });
        await stage.agent({ name: "top", capabilities: ["agent.middle"] });
        const id = await stage.start(said.team, { target: { agent: { name: "top" } } });
        await stage.until(id, ["WAITING", ...ended]);
        await stage.app.restart();
        assert.equal((await stage.until(id, ["WAITING", ...ended])).status, "WAITING");
        const [asked] = await pending(stage);
        assert.ok(asked, "the question of the last agent is there after the restart");
        assert.deepEqual(stage.effects.sent, [], "nothing happens before the approval");
        await stage.mutate(decide, { input: { interrupt: asked.id, kind: "APPROVE", argumentsHash: asked.argumentsHash } });
        const run = await stage.until(id, ended);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        assert.deepEqual(stage.effects.sent, ["letter"], "the tool runs once");
        const chain = await chainOf(stage, id);
        assert.deepEqual(
          chain.map(({ targetName, status }) => [targetName, status]),
          [
            ["top", "SUCCEEDED"],
            ["middle", "SUCCEEDED"],
            ["bottom", "SUCCEEDED"],
          ],
        );
        for (const each of chain) assert.deepEqual(openAfter(await stage.log(each)), nothingOpen);
        assert.deepEqual(await pending(stage), [], "nothing else is asked");
      },
    },
    {
      name: "leaves an agent that it asked to the next process where the platform closes, and asks it no second time",
      ...(asks && model !== "simulated" ? {} : { inapplicable: "what it is answered by does not take its time" }),
      run: async () => {
        await using stage = await Stage.set(runtime, { tools: "none", tokensPerSecond: 50, more: () => [onePlace()] });
        const { tools, resume } = declared(stage, runtime);
        if (!tools || !resume) return;
        await stage.agent({ name: "slow" });
        await stage.agent({ name: "patient", capabilities: ["agent.slow"] });
        const id = await stage.start(said.ask, { target: { agent: { name: "patient" } } });
        await stage.eventually("the agent that was asked speaks", async () => {
          const [, asked] = await chainOf(stage, id);
          return asked !== undefined && (await stage.log(asked)).some(({ kind }) => kind === "message.delta");
        });
        const before = await chainOf(stage, id);
        await stage.app.restart();
        const [, asked] = before;
        assert.ok(asked);
        for (const each of before)
          await stage.eventually("both go on", async () => (await stage.log(each)).some(({ kind }) => kind === "run.resumed"));
        await stage.cancel(asked.id);
        const run = await stage.until(id, ended);
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        assert.deepEqual(
          (await chainOf(stage, id)).map((each) => [each.id, each.status]),
          [
            [id, "SUCCEEDED"],
            [asked.id, "CANCELLED"],
          ],
        );
        for (const each of before) assert.deepEqual(openAfter(await stage.log(each)), nothingOpen);
      },
    },
  ];
}

/** Runs take turns: who waits in the place that another needs would wait for ever. */
const onePlace = definePlugin({
  id: "one-place",
  contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, drainMs: 50, engine: { concurrency: 1 } })],
});

/** Each run with the one that it called, which is all that it called. */
async function chainOf(stage: Stage, id: string): Promise<readonly ChainRun[]> {
  const { run } = await stage.app.graphql<{ run: ChainRun }>(
    `query ($id: ID!) { run(id: $id) { id targetName status steps(kind: [TOOL]) { nodes { childRun { id } } } } }`,
    { id },
  );
  const below = run.steps.nodes.flatMap(({ childRun }) => (childRun ? [childRun.id] : []));
  return [run, ...(await Promise.all(below.map((each) => chainOf(stage, each)))).flat()];
}

interface ChainRun {
  readonly id: string;
  readonly targetName: string;
  readonly status: string;
  readonly steps: { readonly nodes: readonly { readonly childRun: { readonly id: string } | null }[] };
}

async function pending(stage: Stage): Promise<readonly { readonly id: string; readonly argumentsHash: string }[]> {
  const { interrupts } = await stage.app.graphql<{ interrupts: { nodes: { id: string; status: string; argumentsHash: string }[] } }>(
    "{ interrupts(first: 20) { nodes { id status argumentsHash } } }",
  );
  return interrupts.nodes.filter(({ status }) => status === "PENDING");
}
