import { setTimeout as pause } from "node:timers/promises";

const minuteMs = 60_000;

/** Lets through so many a minute, whichever minute one looks at. */
export class Pace {
  readonly #most: number;
  readonly #withinMs: number;
  /** When the last ones went or go through, the oldest first. */
  #turns: readonly number[] = [];

  /** @param withinMs a minute by default. */
  constructor(most: number, withinMs = minuteMs) {
    this.#most = most;
    this.#withinMs = withinMs;
  }

  /** Takes the next turn. @returns how long it is to be waited for, in milliseconds. */
  take(): number {
    const now = performance.now();
    const oldest = this.#turns.length < this.#most ? undefined : this.#turns[0];
    const turn = oldest === undefined ? now : Math.max(now, oldest + this.#withinMs);
    this.#turns = [...this.#turns, turn].slice(-this.#most);
    return turn - now;
  }
}

/** The paces of a crew and of its agents. */
export class Paces {
  readonly #crew: Pace | undefined;
  readonly #agents = new Map<string, Pace>();

  /** @param crew calls a minute of all agents together. */
  constructor(crew: number | undefined) {
    this.#crew = crew === undefined ? undefined : new Pace(crew);
  }

  /** Takes a model call's turn. @returns how long it is to be waited for, in milliseconds. */
  take(agent: { readonly key: string; readonly maxRpm?: number }): number {
    return Math.max(this.#crew?.take() ?? 0, this.#paceOf(agent)?.take() ?? 0);
  }

  #paceOf({ key, maxRpm }: { readonly key: string; readonly maxRpm?: number }): Pace | undefined {
    if (maxRpm === undefined) return undefined;
    const known = this.#agents.get(key) ?? new Pace(maxRpm);
    this.#agents.set(key, known);
    return known;
  }
}

/** Waits without keeping anything busy. @throws the signal's reason */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
