import { extensionPoint, serviceRef, type HealthComponent, type HealthStatus, type MaybePromise } from "#weftline";

/** What a check found. */
export interface HealthFinding {
  readonly status: HealthStatus;
  /** Why, in words, for whoever operates the server. Never a secret. */
  readonly detail?: string;
}

/** Looks whether one part works. It is cut off after two seconds, and what it throws counts as DOWN. */
export type HealthCheck = (signal: AbortSignal) => MaybePromise<HealthFinding>;

/**
 * Where plugins put checks, by the name of the part.
 *
 * @example contribute(healthChecks, "redis", async () => ((await redis.ping()) === "PONG" ? { status: "UP" } : { status: "DOWN" }));
 */
export const healthChecks = extensionPoint<HealthCheck>("health.checks");

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
  report(): Promise<HealthReport>;
}

export const healthService = serviceRef<Health>("health.health");
