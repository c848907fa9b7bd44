/** Something that a run is told from outside. */
export interface Signal {
  readonly name: string;
  /** Any JSON. */
  readonly payload?: unknown;
}

/** A signal as a step takes it. */
export interface TakenSignal {
  readonly payload: unknown;
}
