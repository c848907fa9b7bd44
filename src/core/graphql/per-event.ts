import { WeftlineError } from "../errors.ts";
import { authorizationService, type Authorization, type Scope } from "./scope.ts";

/**
 * Wraps the source of a subscription: before each event the scope forgets what it loaded, and where something was revoked since the
 * last one, the viewer and `admits` are asked again. Every subscription of the graph goes through it.
 *
 * @param admits whether the viewer may still see this stream; asked only after a revocation.
 * @throws UNAUTHENTICATED or NOT_FOUND instead of an event that the viewer may no longer see.
 */
export function perEvent<T>(
  scope: Scope,
  source: AsyncIterator<T>,
  admits: () => Promise<boolean> = async () => true,
): AsyncIterableIterator<T> {
  const authorization = scope.use(authorizationService);
  let checked = authorization.version;

  async function check(): Promise<void> {
    checked = authorization.version;
    if (!(await authorization.admits(scope.viewer))) throw new WeftlineError("UNAUTHENTICATED");
    if (!(await admits())) throw new WeftlineError("NOT_FOUND", { what: "stream" });
  }

  return {
    async next() {
      const result = await source.next();
      if (result.done) return result;
      scope.renew();
      if (checked !== authorization.version) await stopUnless(check(), source);
      return result;
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function stopUnless(check: Promise<void>, source: AsyncIterator<unknown>): Promise<void> {
  try {
    await check;
  } catch (error) {
    await source.return?.();
    throw error;
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
