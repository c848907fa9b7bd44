import { HealthComponent, WeftlineError, messageOf, version, type Contribution, type HealthStatus } from "#weftline";
import type { Health, HealthCheck, HealthFinding } from "./contract.ts";

const timeoutMs = 2_000;
const gravity: readonly HealthStatus[] = ["UP", "DEGRADED", "DOWN"];

/** How long an answer for `/healthz` holds, in milliseconds: anybody may ask, and the checks write. */
const freshMs = 1_000;

/** The status of the latest report, of one that is at most a second old. */
export function statusOf(health: Health): { status(): Promise<HealthStatus> } {
  let latest: { readonly at: number; readonly status: Promise<HealthStatus> } | undefined;
  return {
    status: () => {
      if (latest === undefined || performance.now() - latest.at > freshMs)
        latest = { at: performance.now(), status: health.report().then(({ status }) => status) };
      return latest.status;
    },
  };
}

/** @param checks a live view, complete once the platform is ready. */
export function createHealth(checks: ReadonlyMap<string, Contribution<HealthCheck>>, startedAt = Date.now()): Health {
  return {
    report: async () => {
      const components = await Promise.all([...checks.values()].map(({ key, value }) => run(key, value)));
      return { status: worstOf(components), version, uptimeMs: Date.now() - startedAt, components };
    },
  };
}

async function run(name: string, check: HealthCheck): Promise<HealthComponent> {
  const start = performance.now();
  const { status, detail } = await find(check);
  return new HealthComponent({ name, status, detail: detail ?? null, latencyMs: performance.now() - start });
}

async function find(check: HealthCheck): Promise<HealthFinding> {
  const controller = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<HealthFinding>();
  const timer = setTimeout(() => {
    controller.abort();
    resolve({ status: "DOWN", detail: `It did not answer within ${timeoutMs / 1_000} s.` });
  }, timeoutMs);
  try {
    return await Promise.race([(async () => check(controller.signal))(), late]);
  } catch (error) {
    // Only our own errors are made to be read by others.
    return { status: "DOWN", detail: error instanceof WeftlineError ? messageOf(error) : "The check failed." };
  } finally {
    clearTimeout(timer);
  }
}

function worstOf(components: readonly HealthComponent[]): HealthStatus {
  return gravity[Math.max(0, ...components.map(({ status }) => gravity.indexOf(status)))] ?? "UP";
}
