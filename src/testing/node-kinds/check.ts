import type { KindStage } from "./stage.ts";

/** A check as it is written. */
export interface NodeKindCheckSource {
  /** What holds, as a sentence about the kind. */
  readonly name: string;
  /** Runs it on a host that other checks use too. @throws AssertionError where it does not hold. */
  readonly run: (stage: KindStage) => Promise<void>;
  /** Why it says nothing about this kind. */
  readonly inapplicable?: string | undefined;
}
