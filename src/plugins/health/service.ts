import { version, type HealthStatus } from "#weftline";
import { Checkup } from "./checkup.ts";
import type { Health, HealthCheck, HealthReport } from "./contract.ts";

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

/** Reports on all parts, and tells whenever one is another way than it was. */
export class HealthReports implements Health {
  readonly #checks: () => ReadonlyMap<string, HealthCheck>;
  readonly #changed: () => void;
  readonly #startedAt = Date.now();
  #checkups = new Map<HealthCheck, Checkup>();
  #underWay: Promise<HealthReport> | undefined;
  #before: string | undefined;

  /**
   * @param checks by part, as they are now.
   * @param changed told when the status of a part, or which parts there are, differs from the report before.
   */
  constructor(checks: () => ReadonlyMap<string, HealthCheck>, changed: () => void) {
    this.#checks = checks;
    this.#changed = changed;
  }

  report(): Promise<HealthReport> {
    this.#underWay ??= this.#report().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #report(): Promise<HealthReport> {
    const checks = this.#checks();
    this.#checkups = new Map([...checks.values()].map((check) => [check, this.#checkups.get(check) ?? new Checkup(check)]));
    const components = await Promise.all([...checks].map(([name, check]) => this.#checkups.get(check)?.of(name) ?? []));
    const report = { status: worstOf(components.flat()), version, uptimeMs: Date.now() - this.#startedAt, components: components.flat() };
    this.#compare(report);
    return report;
  }

  #compare({ components }: HealthReport): void {
    const now = JSON.stringify(components.map(({ name, status }) => [name, status]));
    if (this.#before !== undefined && this.#before !== now) this.#changed();
    this.#before = now;
  }
}

function worstOf(components: readonly { readonly status: HealthStatus }[]): HealthStatus {
  return gravity[Math.max(0, ...components.map(({ status }) => gravity.indexOf(status)))] ?? "UP";
}
