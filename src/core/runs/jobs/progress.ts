/** How far something is. */
interface Progress {
  readonly done: number;
  readonly total?: number;
}

/** Passes on how far something is, at most once in a while; never out of order. */
export class PacedProgress {
  readonly #say: (progress: Progress) => void;
  readonly #restMs: number;
  #waiting: Progress | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (progress: Progress) => void, restMs: number) {
    this.#say = say;
    this.#restMs = restMs;
  }

  note(progress: Progress): void {
    if (this.#timer) this.#waiting = progress;
    else this.#pass(progress);
  }

  /** Passes on what waits, and nothing after that by itself. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const last = this.#waiting;
    this.#waiting = undefined;
    if (last) this.#say(last);
  }

  #pass(progress: Progress): void {
    this.#say(progress);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const next = this.#waiting;
      this.#waiting = undefined;
      if (next) this.#pass(next);
    }, this.#restMs).unref();
  }
}
