import type { ProgramContext } from "#weftline";

/** How often progress is said at most, in milliseconds: nodes may end faster than anybody looks. */
const everyMs = 100;

/** Says how far a run is: soon after something ended, and at the end of the turn. */
export class Progress {
  readonly #ctx: ProgramContext;
  readonly #count: () => { readonly done: number; readonly total: number };
  #timer: NodeJS.Timeout | undefined;

  constructor(ctx: ProgramContext, count: () => { readonly done: number; readonly total: number }) {
    this.#ctx = ctx;
    this.#count = count;
  }

  /** Something has ended. */
  note(): void {
    this.#timer ??= setTimeout(() => this.#sayInTime(), everyMs);
  }

  /** The turn is over. */
  close(): void {
    if (this.#timer && !this.#ctx.signal.aborted) this.#say();
    clearTimeout(this.#timer);
  }

  /** Nobody waits for this: where the run was stopped, or has become another's, whoever writes next is told. */
  #sayInTime(): void {
    try {
      this.#say();
    } catch (error) {
      this.#ctx.log.debug({ err: error }, "progress was not said: the turn is over");
    }
  }

  #say(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#ctx.say({ kind: "progress", ...this.#count() });
  }
}
