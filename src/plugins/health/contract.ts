import { extensionPoint, serviceRef, type HealthComponent, type HealthStatus, type MaybePromise } from "#weftline";

/** What a check found. */
export interface HealthFinding {
  readonly status: HealthStatus;
  /** Why, in words, for whoever operates the server. Never a secret. */
  readonly detail?: string;
  /** How long the part took, in milliseconds, where that is not how long the check took. */
  readonly latencyMs?: number;
  /** When it was found; now by default. */
  readonly checkedAt?: Date;
}

/**
 * Looks whether one part works. It is cut off after two seconds, and what it throws counts as DOWN. It is not called again before it has come to its end.
 */
export type HealthCheck = (signal: AbortSignal) => MaybePromise<HealthFinding>;

/**
 * Where plugins put checks, by the name of the part.
 *
 * @example contribute(healthChecks, "redis", async () => ((await redis.ping()) === "PONG" ? { status: "UP" } : { status: "DOWN" }));
 */
export const healthChecks = extensionPoint<HealthCheck>("health.checks");

/** More checks, by the names of their parts, as they are now. */
export type HealthSource = () => Iterable<readonly [part: string, check: HealthCheck]>;

/** Where plugins put the checks of parts that they only know later, or that come and go. Give the same function again for the same part. */
export const healthSources = extensionPoint<HealthSource>("health.sources");

/**
 * A check that looks no more often than its findings hold, however often it is called: for what costs something to ask.
 *
 * @param holdsMs how long a finding holds, in milliseconds.
 * @example contribute(healthChecks, "mail", keptFor({ UP: 60_000, DEGRADED: 10_000, DOWN: 10_000 }, (signal) => askMail(signal)));
 */
export function keptFor(holdsMs: Readonly<Record<HealthStatus, number>>, check: HealthCheck): HealthCheck {
  let latest: { readonly until: number; readonly finding: HealthFinding } | undefined;
  return async (signal) => {
    if (latest !== undefined && performance.now() < latest.until) return latest.finding;
    const start = performance.now();
    const found = await check(signal);
    const now = performance.now();
    const finding = { latencyMs: now - start, checkedAt: new Date(), ...found };
    latest = { until: now + holdsMs[finding.status], finding };
    return finding;
  };
}

/** The health of the whole platform. */
export interface HealthReport {
  /** The worst of the parts. */
  readonly status: HealthStatus;
  readonly version: string;
  /** Milliseconds since the platform was set up. */
  readonly uptimeMs: number;
  readonly components: readonly HealthComponent[];
}

/** Runs all checks. */
export interface Health {
  /** Checks every part anew, or joins whoever is at it. */
  report(): Promise<HealthReport>;
}

export const healthService = serviceRef<Health>("health.health");
