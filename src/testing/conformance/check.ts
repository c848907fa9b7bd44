/** One thing that has to hold. */
export interface ConformanceCheck {
  /** What holds, as a sentence about the runtime. */
  readonly name: string;
  /** @throws AssertionError where it does not. */
  readonly run: () => Promise<void>;
}
