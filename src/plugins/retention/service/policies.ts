import { v7 as newId } from "uuid";
import {
  WeftlineError,
  hasRole,
  localId,
  serviceRef,
  type MemoryScope,
  type RetentionFinding,
  type RetentionTarget,
  type Scope,
} from "#weftline";
import { RetentionPolicy } from "../entities.ts";
import { checkPolicy } from "./checks.ts";
import type { RetentionHost } from "./host.ts";
import { applyJob, ruleOf } from "./rules.ts";

/** `SetRetentionPolicyInput`: what is left out stays as it is, null clears. */
export interface SetRetentionPolicy {
  readonly target: RetentionTarget;
  readonly scope?: MemoryScope | null | undefined;
  readonly maxAge?: number | null | undefined;
  readonly maxCount?: number | null | undefined;
  readonly enabled?: boolean | null | undefined;
}

/** A policy, and what it would remove now. */
export interface RetentionPreview extends RetentionFinding {
  readonly policy: RetentionPolicy;
}

/** Policies as the graph has them. */
export interface RetentionPolicies {
  /** By target and scope. */
  list(scope: Scope): Promise<RetentionPolicy[]>;
  /** What each policy that is enabled would remove now; nothing for who is no admin. */
  preview(scope: Scope): Promise<RetentionPreview[] | undefined>;
  /** @throws FORBIDDEN, INVALID_INPUT */
  set(scope: Scope, input: SetRetentionPolicy): Promise<RetentionPolicy>;
  /**
   * Applies policies now; all that are enabled where none are named.
   *
   * @returns what they would remove, and the id of the run that does.
   * @throws FORBIDDEN, NOT_FOUND, INVALID_INPUT, BUSY while they are being applied.
   */
  apply(scope: Scope, request: ApplyRetention): Promise<{ readonly previews: RetentionPreview[]; readonly run: string | undefined }>;
}

/** Which policies, by their ids in the graph, and whether anything is removed. */
export interface ApplyRetention {
  readonly policies?: readonly string[] | null | undefined;
  readonly dryRun?: boolean | null | undefined;
}

export const retentionPolicies = serviceRef<RetentionPolicies>("retention.policies");

/** The most policies that are named at once. */
const mostNamed = 50;

export function createPolicies(host: RetentionHost): RetentionPolicies {
  const find = async (policy: RetentionPolicy): Promise<RetentionPreview> => {
    const data = host.data.get(policy.target)?.value;
    return { policy, ...(data ? await data.preview(ruleOf(policy)) : { rows: 0, oldest: null }) };
  };
  const findAll = async (policies: readonly RetentionPolicy[]): Promise<RetentionPreview[]> => {
    const found: RetentionPreview[] = [];
    for (const policy of policies) found.push(await find(policy));
    return found;
  };
  const list = (scope: Scope): Promise<RetentionPolicy[]> =>
    scope.em.find(RetentionPolicy, {}, { orderBy: { target: "asc", scope: "asc" } });
  return {
    list,
    async preview(scope) {
      if (!hasRole(scope.viewer, "admin")) return undefined;
      return findAll((await list(scope)).filter(({ enabled }) => enabled));
    },
    async set(scope, input) {
      checkAdmin(scope);
      const { target } = input;
      const named: MemoryScope | "" = input.scope ?? "";
      const { tenantId, actorId: ownerId } = scope.viewer;
      const id = await scope.write(async (tx) => {
        const known = await tx.em.findOne(RetentionPolicy, { target, scope: named });
        const maxAge = input.maxAge === undefined ? (known?.maxAge ?? null) : input.maxAge;
        const maxCount = input.maxCount === undefined ? (known?.maxCount ?? null) : input.maxCount;
        checkPolicy({ target, scope: named === "" ? undefined : named, maxAge, maxCount }, host.data.get(target)?.value);
        const now = await host.database.now();
        const fields = { maxAge, maxCount, enabled: input.enabled ?? known?.enabled ?? true, updatedAt: now };
        if (known) {
          Object.assign(known, fields);
          return known.id;
        }
        const row = { id: newId(), tenantId, ownerId, target, scope: named, lastAppliedAt: null, createdAt: now, ...fields };
        return tx.em.create(RetentionPolicy, row).id;
      }, "retention.set");
      await govern(host);
      return scope.em.findOneOrFail(RetentionPolicy, { id });
    },
    async apply(scope, { policies, dryRun }) {
      // To members a policy of another tenant is as little there as one that never was.
      const named = policies == null ? undefined : await policiesOf(scope, policies);
      checkAdmin(scope);
      const chosen = named ?? (await list(scope)).filter(({ enabled }) => enabled);
      const previews = await findAll(chosen);
      if (dryRun || chosen.length === 0) return { previews, run: undefined };
      const run = await host.jobs.start(scope, { job: applyJob, input: { policies: chosen.map(({ id }) => id) } });
      return { previews, run };
    },
  };
}

function checkAdmin({ viewer }: Scope): void {
  if (!hasRole(viewer, "admin")) throw new WeftlineError("FORBIDDEN");
}

async function policiesOf(scope: Scope, named: readonly string[]): Promise<RetentionPolicy[]> {
  const path = ["policies"];
  if (named.length > mostNamed) throw new WeftlineError("INVALID_INPUT", { path, message: `At most ${mostNamed} policies.` });
  const ids = [...new Set(named)].map((id) => localId("RetentionPolicy", id, path));
  const found = await scope.em.find(RetentionPolicy, { id: { $in: ids } }, { orderBy: { target: "asc", scope: "asc" } });
  if (found.length < ids.length) throw new WeftlineError("NOT_FOUND", { what: "retention policy", path });
  const off = found.find(({ enabled }) => !enabled);
  if (!off) return found;
  const message = `The policy for ${off.target} is switched off.`;
  throw new WeftlineError("INVALID_INPUT", { path, message, fix: "Enable it with setRetentionPolicy, or leave it out." });
}

/** Tells data that goes by itself how long it is kept. */
export async function govern({ database, data }: RetentionHost): Promise<void> {
  for (const [target, { value }] of data) {
    if (!value.govern) continue;
    const policies = await database.em("SYSTEM").find(RetentionPolicy, { target: target as RetentionTarget, enabled: true });
    value.govern(policies.map(ruleOf));
  }
}
