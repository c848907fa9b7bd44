import { monitorEventLoopDelay } from "node:perf_hooks";
import type { HealthConfig } from "./config.ts";
import type { HealthCheck } from "./contract.ts";

/** How often the delay is measured, and over how long a time, in milliseconds. A timer of the runtime does it, no code of ours. */
const resolutionMs = 100;
const windowMs = 60_000;

/** Measures how late timers are: what a busy or blocked event loop costs everybody. */
export class EventLoopWatch {
  /** The one of this window, and that of the window before. */
  #now = monitorEventLoopDelay({ resolution: resolutionMs });
  #before: ReturnType<typeof monitorEventLoopDelay> | undefined;
  readonly #turn: NodeJS.Timeout;

  constructor() {
    this.#now.enable();
    this.#turn = setInterval(() => this.#next(), windowMs).unref();
  }

  /** The delays of the last one to two minutes, in milliseconds. */
  get delays(): { readonly p99Ms: number; readonly longestMs: number } {
    const all = [this.#now, ...(this.#before ? [this.#before] : [])].filter(({ count }) => count > 0);
    const late = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);
    return {
      p99Ms: Math.max(0, ...all.map((each) => late(each.percentile(99)))),
      longestMs: Math.max(0, ...all.map((each) => late(each.max))),
    };
  }

  close(): void {
    clearInterval(this.#turn);
    this.#now.disable();
  }

  #next(): void {
    this.#now.disable();
    this.#before = this.#now;
    this.#now = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#now.enable();
  }
}

/** Says how late timers are. */
export function eventLoopCheck(watch: EventLoopWatch, limits: HealthConfig["eventLoop"]): HealthCheck {
  return () => {
    const { p99Ms, longestMs } = watch.delays;
    const late = p99Ms > limits.p99Ms || longestMs > limits.longestMs;
    return {
      status: late ? "DEGRADED" : "UP",
      detail: `One turn in a hundred is ${Math.round(p99Ms)} ms late; the longest delay of the last minutes was ${Math.round(longestMs)} ms.`,
      latencyMs: p99Ms,
    };
  };
}
