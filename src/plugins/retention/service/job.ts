import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { defineJob, type Database, type JobContext, type JobDefinition, type RetentionWork } from "#weftline";
import { RetentionPolicy } from "../entities.ts";
import type { RetentionHost } from "./host.ts";
import { applyJob, ruleOf } from "./rules.ts";

/** What others have between two transactions, in milliseconds. */
const restMs = 10;
/** After so many rests the run may pause, and leave a platform that closes. */
const restsToBoundary = 50;

const state = z.object({
  /** Policies that were applied, and what went by each target. */
  applied: z.array(z.string()),
  removed: z.record(z.string(), z.number()),
});
type State = z.output<typeof state>;

/** Applies policies, in small pieces: what was removed when it was broken off stays removed, and it goes on with what is left. */
export function createApplyJob(host: RetentionHost): JobDefinition {
  return defineJob({
    name: applyJob,
    description: "Removes what the policies of retention do not keep, in small pieces; room in the database file is given back.",
    input: z.strictObject({ policies: z.array(z.string()).max(100).optional() }),
    state,
    onBusy: "REJECT",
    run: (ctx) => apply(host, ctx),
  });
}

type Context = JobContext<{ readonly policies?: readonly string[] | undefined }, State>;

async function apply(host: RetentionHost, ctx: Context): Promise<object> {
  const { database, data } = host;
  const { tenantId, input } = ctx;
  const so: State = ctx.state ?? { applied: [], removed: {} };
  const policies = await policiesOf(database, tenantId, input.policies);
  for (const policy of policies) {
    const kept = data.get(policy.target)?.value;
    if (so.applied.includes(policy.id) || !kept) continue;
    const removed = await kept.prune(ruleOf(policy), workOf(ctx, so));
    so.applied.push(policy.id);
    count(so, policy.target, removed);
    ctx.progress(so.applied.length, policies.length);
    await ctx.commit(async ({ sql }) => {
      await sql.run(`update retention_policy set last_applied_at = ${sql.now} where id = ?`, policy.id);
      return so;
    }, "retention.applied");
  }
  if (input.policies === undefined) {
    for (const [target, { value }] of data) if (value.own) count(so, target, await value.own.prune(tenantId, workOf(ctx, so)));
  }
  await giveBack(database, workOf(ctx, so));
  database.scrub();
  return { removed: so.removed };
}

function policiesOf(database: Database, tenantId: string, ids: readonly string[] | undefined): Promise<RetentionPolicy[]> {
  return database
    .em("SYSTEM")
    .find(
      RetentionPolicy,
      { tenantId, enabled: true, ...(ids ? { id: { $in: [...ids] } } : {}) },
      { orderBy: { target: "asc", scope: "asc" } },
    );
}

function count(so: State, target: string, removed: number): void {
  if (removed > 0) so.removed[target] = (so.removed[target] ?? 0) + removed;
}

function workOf({ signal, save }: Context, so: State): RetentionWork {
  let rests = 0;
  return {
    signal,
    rest: async () => {
      signal.throwIfAborted();
      await pause(restMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (++rests % restsToBoundary === 0) await save(so);
    },
  };
}

/** Pages of the file that hold nothing any more go back to the disk, a few at a time. */
async function giveBack(database: Database, { rest }: RetentionWork): Promise<void> {
  while ((await database.shrink()) > 0) await rest(0);
}
