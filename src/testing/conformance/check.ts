import type { RuntimeFeatures } from "../../core/runs/runtime.ts";

export type RuntimeFeature = keyof RuntimeFeatures;

/** One thing that has to hold. */
export interface ConformanceCheck {
  /** What holds, as a sentence about the runtime. */
  readonly name: string;
  /** Features that it exercises where the runtime declares them, and refuses where it does not. */
  readonly exercises: readonly RuntimeFeature[];
  /** @throws AssertionError where it does not. */
  readonly run: () => Promise<void>;
}

/** A check that says nothing about a runtime, and why. */
export interface InapplicableCheck {
  readonly name: string;
  readonly reason: string;
}

/** Takes down that a feature was seen at work, or that it was asked for and was not there. */
export type Saw = (feature: RuntimeFeature, how: "at work" | "absent") => void;

/** A check as it is written: its run is told where to note what it saw. */
export interface CheckSource {
  readonly name: string;
  readonly exercises?: readonly RuntimeFeature[];
  readonly run: (saw: Saw) => Promise<void>;
  /** Why it says nothing about this runtime. */
  readonly inapplicable?: string;
}
