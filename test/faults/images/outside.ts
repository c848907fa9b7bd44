/** Something that a tool did to the world, and that no restart takes back. */
export interface Effect {
  readonly tool: string;
  /** Which of its acts: the tool's argument. */
  readonly id: string;
  /** The idempotency key that it was given. */
  readonly key: string;
}

/** A message that an address was told. */
export interface Told {
  readonly id: string;
  readonly type: string;
}

/** The world outside the store: what tools did to it, and what it was told. A process that is lost leaves it as it is. */
export class Outside {
  readonly effects: Effect[];
  /** Calls of a tool that fails at first, by their argument. */
  readonly attempts: Map<string, number>;
  /** What an address was told, as often as it was. */
  readonly heard: Told[];

  constructor(from?: Outside) {
    this.effects = [...(from?.effects ?? [])];
    this.attempts = new Map(from?.attempts);
    this.heard = [...(from?.heard ?? [])];
  }

  /** How often something was done. */
  count(tool: string, id: string): number {
    return this.effects.filter((each) => each.tool === tool && each.id === id).length;
  }

  /** What was done more than once though nobody may do it again, in words. */
  repeated(): string[] {
    const acts = Map.groupBy(this.effects, ({ tool, id }) => `${tool} ${id}`);
    return [...acts].flatMap(([act, { length }]) =>
      once.has(act.split(" ")[0] ?? "") && length > 1 ? [`${act} was done ${length} times`] : [],
    );
  }
}

/** Tools that are not idempotent, the last one against its word. */
const once: ReadonlySet<string> = new Set(["rig.pay", "rig.refund", "rig.misdeclared"]);
