import { BurstyRateLimiter, RateLimiterMemory } from "rate-limiter-flexible";
import { WeftlineError } from "../errors.ts";
import type { GraphLimits } from "./limits.ts";

/** Over how many seconds the burst is spent. */
const burstSeconds = 10;

/** How often callers ask, in memory: so many requests every second, and now and then a burst. */
export class Rates {
  readonly #limiter: BurstyRateLimiter | undefined;

  constructor({ requestsPerSecond, requestBurst }: Pick<GraphLimits, "requestsPerSecond" | "requestBurst">) {
    if (requestsPerSecond === Infinity || requestBurst === Infinity) return;
    this.#limiter = new BurstyRateLimiter(
      new RateLimiterMemory({ points: requestsPerSecond, duration: 1 }),
      new RateLimiterMemory({ points: requestBurst, duration: burstSeconds }),
    );
  }

  /**
   * Counts a request.
   *
   * @returns nothing where nothing is counted: then there is nothing to wait for.
   * @throws RATE_LIMITED
   */
  count(caller: string): Promise<void> | undefined {
    return this.#limiter?.consume(caller).then(nothing, refuse);
  }
}

function nothing(): void {}

/** The limiter throws what it counted. */
function refuse(counted: { readonly msBeforeNext: number }): never {
  throw new WeftlineError("RATE_LIMITED", { what: "requests", retryAfterMs: Math.max(1, Math.ceil(counted.msBeforeNext)) });
}
