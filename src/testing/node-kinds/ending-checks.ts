import assert from "node:assert/strict";
import type { NodeKindCheckSource } from "./check.ts";
import type { ObservedCall } from "./observed.ts";
import { stillOpen } from "./open-resources.ts";
import type { KindStage } from "./stage.ts";
import type { NodeKindUnderTest, NodeSettings } from "./under-test.ts";

/** How long an attempt may go on that was stopped, in milliseconds. */
const stopMs = 1_000;

/** How a kind's work comes to its end, by itself or not. */
export function endingChecksOf({ cases, slow, failing = [] }: NodeKindUnderTest): NodeKindCheckSource[] {
  const inapplicable = slow ? {} : { inapplicable: "no settings are named with which it takes its time" };
  return [
    {
      name: "stops soon when its run is cancelled",
      ...inapplicable,
      run: async (stage) => {
        const id = await begun(stage, slow as NodeSettings);
        await stage.cancel(id);
        assert.equal((await stage.end(id)).status, "CANCELLED");
        await assertStopped(stage, id);
      },
    },
    {
      name: "stops soon when its time is over, which fails it",
      ...inapplicable,
      run: async (stage) => {
        const id = await begun(stage, slow as NodeSettings, { timeout: "PT0.05S" });
        const { status, failure } = await stage.end(id);
        assert.deepEqual([status, failure?.code], ["FAILED", "NODE_FAILED"], JSON.stringify(failure));
        await assertStopped(stage, id);
      },
    },
    {
      name: "leaves no timer, connection or listener behind, however it ends",
      run: async (stage) => {
        const ids = [];
        for (const each of [...cases, ...failing]) ids.push((await stage.play(each)).id);
        if (slow) {
          const id = await begun(stage, slow);
          await stage.cancel(id);
          ids.push((await stage.end(id)).id);
        }
        for (const call of ids.flatMap((id) => stage.callsOf(id))) await assertNothingLeft(call);
      },
    },
    {
      name: "does nothing but through its context, where it says so by startsByContext",
      run: async (stage) => {
        if (!stage.observer.found.startsByContext) return;
        for (const each of cases)
          for (const { began } of stage.callsOf((await stage.play(each)).id))
            assert.deepEqual([...began.kinds], [], "what it begins by itself is not durable before it is done: leave startsByContext out");
      },
    },
  ];
}

/** Starts what takes its time. @returns the run, once the kind was called. */
async function begun(stage: KindStage, slow: NodeSettings, more: object = {}): Promise<string> {
  const id = await stage.start(slow, more);
  await stage.until(id, "has begun", () => stage.callsOf(id).length > 0);
  return id;
}

async function assertStopped(stage: KindStage, id: string): Promise<void> {
  const calls = stage.callsOf(id);
  const stopped = await within(stopMs, () => calls.every(({ outcome }) => outcome));
  assert.ok(stopped, `an attempt goes on for more than ${stopMs} ms after its signal has aborted: pass ctx.signal on`);
  for (const { outcome } of calls) assert.ok(outcome && "error" in outcome, "what is stopped gives no output");
}

async function assertNothingLeft(call: ObservedCall): Promise<void> {
  if (await within(stopMs, () => stillOpen(call.began).length === 0 && call.listeners === 0)) return;
  assert.deepEqual(stillOpen(call.began), [], "timers, connections and files are closed in a finally");
  assert.equal(call.listeners, 0, "listeners are removed from ctx.signal");
}

/** Whether something comes to hold while the event loop turns that long. */
async function within(ms: number, holds: () => boolean): Promise<boolean> {
  for (let left = ms; left > 0; left -= 5) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return holds();
}
