import { nodeOf } from "../state/units.ts";
import type { Attempt } from "./attempts/attempt.ts";
import type { Iterations } from "./iterations.ts";
import type { WaitsFor } from "./attempts/suspended.ts";

/** How a unit is stopped: what it does may be done again by another attempt, or not. */
export type Stop = "again" | "for good";

/** A unit that has begun and not ended. */
export interface ActiveUnit {
  readonly attempt: Attempt;
  /** Of a map or loop: what it goes through. */
  readonly iterations?: Iterations;
  /** The step that failed, where the unit is to be tried again. */
  readonly retryOf?: string;
  phase: "working" | "waiting";
  /** How often news had come from outside when it last began to look for what it needs. */
  newsSeen: number;
  /** It is to end without more: nothing of it is started or waited for, but for the end of a run below. */
  stopped?: Stop;
  /** It only waits for the end of the run below it, whatever that gives. */
  isLeft?: boolean;
  /** While it waits. */
  waitsFor?: WaitsFor;
}

/** The units of a run that have begun and not ended, by their keys. */
export class ActiveUnits extends Map<string, ActiveUnit> {
  /** Whether something waits for what comes from outside. */
  get hasWaiting(): boolean {
    for (const { phase, iterations, attempt } of this.values())
      if (phase === "waiting" && (!iterations || attempt.work.timeoutMs !== undefined)) return true;
    return false;
  }

  /** Runs below this one that units wait for. */
  get waitingChildren(): readonly string[] {
    return [...this.values()].flatMap(({ phase, waitsFor, attempt: { childId } }) =>
      phase === "waiting" && waitsFor === "child" && childId !== undefined ? [childId] : [],
    );
  }

  /** Keys of the items or rounds of a map or loop. */
  within(node: string): readonly string[] {
    return [...this.keys()].filter((each) => each !== node && nodeOf(each) === node);
  }
}
