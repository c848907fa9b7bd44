import { WeftlineError } from "#weftline";
import { RetentionPolicy } from "../entities.ts";
import type { RetentionHost } from "./host.ts";
import { applyJob } from "./rules.ts";

/** How often it is looked whether policies are due, at most, in milliseconds. */
const lookMs = 60_000;
/** How long after one try the next one comes at the soonest, where policies could not be applied. */
const againMs = 600_000;

/** Has policies applied by themselves, tenant by tenant. @returns what stops it. */
export function startApplying(host: RetentionHost, everyMs: number): () => void {
  /** When this process last had a tenant's rules applied. */
  const applied = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    for (const tenantId of await dueTenants(host, everyMs, applied)) {
      if (stopped) return;
      applied.set(tenantId, performance.now());
      await host.jobs.startAsPlatform(tenantId, { job: applyJob, input: {} }).catch((error: unknown) => {
        // Somebody applies them at this moment.
        if (!(error instanceof WeftlineError && error.code === "BUSY")) throw error;
      });
    }
  };
  const next = (ms: number): void => {
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) => host.log.warn({ err: error }, "retention will try again"))
        .finally(() => {
          if (!stopped) next(Math.min(lookMs, everyMs));
        });
    }, ms);
  };
  next(Math.min(lookMs, everyMs));
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Those with a policy that was not applied for so long, or with data that has rules of its own. */
async function dueTenants({ database, data }: RetentionHost, everyMs: number, applied: ReadonlyMap<string, number>): Promise<string[]> {
  const until = (await database.now()) - everyMs;
  const policies = await database
    .em("SYSTEM")
    .find(RetentionPolicy, { enabled: true, $or: [{ lastAppliedAt: null }, { lastAppliedAt: { $lt: until } }] }, { fields: ["tenantId"] });
  const isOver = (tenantId: string, ms: number): boolean => {
    const last = applied.get(tenantId);
    return last === undefined || performance.now() - last >= ms;
  };
  const due = new Set(policies.flatMap(({ tenantId }) => (isOver(tenantId, Math.min(everyMs, againMs)) ? [tenantId] : [])));
  for (const { value } of data.values()) {
    for (const tenantId of (await value.own?.tenants()) ?? []) {
      if (isOver(tenantId, everyMs)) due.add(tenantId);
    }
  }
  return [...due];
}
