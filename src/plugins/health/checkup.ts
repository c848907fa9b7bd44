import { HealthComponent, WeftlineError, messageOf } from "#weftline";
import type { HealthCheck, HealthFinding } from "./contract.ts";

const timeoutMs = 2_000;

/** Runs one check, never twice at a time, and makes a finding of whatever it does. */
export class Checkup {
  readonly #check: HealthCheck;
  #runningSince: number | undefined;

  constructor(check: HealthCheck) {
    this.#check = check;
  }

  async of(name: string): Promise<HealthComponent> {
    const start = performance.now();
    const { status, detail, latencyMs, checkedAt } = await this.#find(start);
    return new HealthComponent({ name, status, detail: detail ?? null, latencyMs: latencyMs ?? performance.now() - start }, checkedAt);
  }

  async #find(now: number): Promise<HealthFinding> {
    if (this.#runningSince !== undefined)
      return { status: "DOWN", detail: `It has not answered for ${Math.round((now - this.#runningSince) / 1_000)} s.` };
    const controller = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<HealthFinding>();
    const timer = setTimeout(() => {
      controller.abort();
      resolve({ status: "DOWN", detail: `It did not answer within ${timeoutMs / 1_000} s.` });
    }, timeoutMs);
    try {
      return await Promise.race([this.#run(now, controller.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(now: number, signal: AbortSignal): Promise<HealthFinding> {
    this.#runningSince = now;
    try {
      return await this.#check(signal);
    } catch (error) {
      // Only our own errors are made to be read by others.
      return { status: "DOWN", detail: error instanceof WeftlineError ? messageOf(error) : "The check failed." };
    } finally {
      this.#runningSince = undefined;
    }
  }
}
