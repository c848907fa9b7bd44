import { KindStage } from "./stage.ts";
import type { NodeKindUnderTest } from "./under-test.ts";

/** How long a host stays open that no check uses, in milliseconds. */
const idleMs = 200;

/** One host for checks that do not disturb each other. It closes when none has used it for a while. */
export class SharedStage {
  readonly #kind: NodeKindUnderTest;
  #opening: Promise<KindStage> | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(kind: NodeKindUnderTest) {
    this.#kind = kind;
  }

  async use<T>(run: (stage: KindStage) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      return await run(await (this.#opening ??= KindStage.open(this.#kind)));
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#idle = setTimeout(() => void this.#close(), idleMs);
    }
  }

  async #close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    await (await opening?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}
