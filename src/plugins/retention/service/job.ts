import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { defineJob, type Database, type JobContext, type JobDefinition, type RetainedData, type RetentionWork } from "#weftline";
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
    const removed = await pruneBy(kept, policy, { database, ctx, so });
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

/** What work goes on with. */
interface Applying {
  readonly database: Database;
  readonly ctx: Context;
  readonly so: State;
}

/** Prunes by a policy as it stands at each moment: one that is changed meanwhile goes on as it is now, and one that is switched off ends. */
async function pruneBy(kept: RetainedData, policy: RetentionPolicy, { database, ctx, so }: Applying): Promise<number> {
  const work = workOf(ctx, so);
  let removed = 0;
  for (let rule = await rulesOf(database, policy.id); rule; rule = await rulesOf(database, policy.id)) {
    const { maxAge, maxCount } = rule;
    const before = removed;
    const changed = new AbortController();
    const rest = async (rows: number): Promise<void> => {
      removed += rows;
      await work.rest(rows);
      const now = await rulesOf(database, policy.id);
      if (!now || now.maxAge !== maxAge || now.maxCount !== maxCount) changed.abort();
      changed.signal.throwIfAborted();
    };
    try {
      // Where it does not come to its end, what it said at its rests is what went.
      return (
        before +
        (await kept.prune(ruleOf({ ...policy, maxAge, maxCount }), { signal: AbortSignal.any([work.signal, changed.signal]), rest }))
      );
    } catch (error) {
      if (!changed.signal.aborted) throw error;
    }
  }
  return removed;
}

/** What a policy says now; nothing for one that is switched off. */
function rulesOf({ read }: Database, id: string): Promise<Pick<RetentionPolicy, "maxAge" | "maxCount"> | undefined> {
  return read.get('select max_age as "maxAge", max_count as "maxCount" from retention_policy where id = ? and enabled = 1', id);
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
