import { WeftlineError } from "../errors.ts";
import { nextOf, takeable, type Takeable } from "./take.ts";
import { authorizationService, type Authorization, type Scope } from "./scope.ts";

/**
 * Wraps the source of a subscription: before each event the scope forgets what it loaded, and where something was revoked since the
 * last one, the viewer and `admits` are asked again. Every subscription of the graph goes through it.
 *
 * @param admits whether the viewer may still see this stream; asked only after a revocation.
 * @throws UNAUTHENTICATED or NOT_FOUND instead of an event that the viewer may no longer see.
 */
export function perEvent<T>(scope: Scope, source: AsyncIterator<T>, admits: () => Promise<boolean> = async () => true): Takeable<T> {
  // What was loaded to open the source is of no more use, and might be kept for hours.
  scope.renew();
  return new Admitted(scope, takeable(source), admits);
}

class Admitted<T> implements Takeable<T> {
  readonly events: Takeable<T>["events"];
  readonly #scope: Scope;
  readonly #source: Takeable<T>;
  readonly #admits: () => Promise<boolean>;
  readonly #authorization: Authorization;
  /** The authorisation version at which the viewer was last found in order. */
  #checked: number;

  constructor(scope: Scope, source: Takeable<T>, admits: () => Promise<boolean>) {
    this.events = source.events;
    this.#scope = scope;
    this.#source = source;
    this.#admits = admits;
    this.#authorization = scope.use(authorizationService);
    this.#checked = this.#authorization.version;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  take(): IteratorResult<T> | undefined {
    if (this.#checked !== this.#authorization.version) return undefined;
    const step = this.#source.take();
    if (step && !step.done) this.#scope.renew();
    return step;
  }

  ready(): Promise<void> {
    return this.#checked === this.#authorization.version ? this.#source.ready() : this.#check();
  }

  next(): Promise<IteratorResult<T>> {
    return nextOf(this);
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#source.return?.();
    return { value: undefined, done: true };
  }

  async #check(): Promise<void> {
    this.#checked = this.#authorization.version;
    try {
      if (!(await this.#authorization.admits(this.#scope.viewer))) throw new WeftlineError("UNAUTHENTICATED");
      if (!(await this.#admits())) throw new WeftlineError("NOT_FOUND", { what: "stream" });
    } catch (error) {
      await this.#source.return?.();
      throw error;
    }
  }
}

/** The authorisation of a host that has no plugin for it: nothing is ever revoked. */
export function unrevoked(): Authorization {
  let version = 0;
  return {
    get version() {
      return version;
    },
    raise: () => void version++,
    admits: () => true,
  };
}
