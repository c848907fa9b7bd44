import assert from "node:assert/strict";
import { WeftlineError } from "../../core/errors.ts";
import type { NodeKindCheckSource } from "./check.ts";
import type { ObservedCall } from "./observed.ts";
import { assertOutput } from "./output-checks.ts";
import { KindStage } from "./stage.ts";
import type { NodeKindUnderTest } from "./under-test.ts";

/** What a kind does that is called again for the same attempt, after a wait or after a lost process. */
export function repeatChecksOf(kind: NodeKindUnderTest): NodeKindCheckSource[] {
  const { cases, effects } = kind;
  return [
    {
      name: "passes RUN_SUSPENDED on, and asks the same again when it is called after a wait",
      run: async (stage) => {
        for (const each of cases) assertSameAgain(stage.callsOf((await stage.play(each)).id));
      },
    },
    {
      name: "does once what an attempt does, although its process is lost when it has done it",
      run: async () => {
        const first = await KindStage.open(kind);
        const ids: string[] = [];
        try {
          first.observer.loseOutcomes();
          for (const each of cases) {
            const id = await first.start(each);
            ids.push(id);
            await first.endOfWork(id, each);
          }
        } catch (error) {
          await first[Symbol.asyncDispose]();
          throw error;
        }
        const done = await effects?.(first.app);
        const lost = ids.map((id) => lastDone(first.callsOf(id)));
        await using second = await first.kill(kind, ids);
        for (const [at, id] of ids.entries()) {
          const each = cases[at] as (typeof cases)[0];
          assertOutput(await second.end(id), each);
          const again = lastDone(second.callsOf(id));
          const { attempt, idempotencyKey, asked } = lost[at] as ObservedCall;
          assert.deepEqual([again?.attempt, again?.idempotencyKey], [attempt, idempotencyKey], "it is the same attempt");
          assert.deepEqual(again?.asked, asked, "it asks the same of its context");
        }
        assert.deepEqual(await effects?.(second.app), done, "what it did outside is done once: pass ctx.idempotencyKey on");
      },
    },
  ];
}

function assertSameAgain(calls: readonly ObservedCall[]): void {
  for (const { suspended, outcome } of calls) {
    const error = outcome && "error" in outcome ? outcome.error : undefined;
    const passed = error instanceof WeftlineError && error.code === "RUN_SUSPENDED";
    assert.equal(passed, suspended, "RUN_SUSPENDED comes out of run as it came out of the context");
  }
  for (const [at, { asked }] of calls.entries()) {
    const before = calls[at - 1]?.asked ?? [];
    assert.deepEqual(asked.slice(0, before.length), before, "called again it asks the same in the same order: no clock, no random value");
  }
}

function lastDone(calls: readonly ObservedCall[]): ObservedCall | undefined {
  return calls.findLast(({ outcome }) => outcome && "output" in outcome);
}
