import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";

/** So many runs may stand in one chain: a run, the one that started it, and so on up to the root. */
export const mostRunsInChain = 8;

/** So often one target may stand in a chain where its callers choose freely, as agents do. */
const mostOfOneTarget = 2;

/** A run of a chain. */
export interface ChainLink {
  readonly targetType: string;
  readonly targetId: string;
  readonly name: string;
}

/** A run and those above it, the root first. */
export async function chainTo(sql: Sql, runId: string): Promise<readonly ChainLink[]> {
  const above = await sql.all<{ type: string; target: string; name: string }>(
    `with recursive above (id, parent_id, depth) as (
       select id, parent_id, 0 from runs_run where id = ?
       union all select r.id, r.parent_id, a.depth + 1 from runs_run r join above a on r.id = a.parent_id where a.depth < 64)
     select r.target_type as type, r.target_id as target, r.target_name as name from above a join runs_run r on r.id = a.id order by a.depth desc`,
    runId,
  );
  return above.map(({ type, target, name }) => ({ targetType: type, targetId: target, name }));
}

/** @throws RUN_TOO_DEEP where one more run below the chain is one too many. */
export function checkDepth(chain: readonly ChainLink[], next: ChainLink): void {
  if (chain.length < mostRunsInChain) return;
  throw tooDeep([...chain, next], `at most ${mostRunsInChain} runs stand one below the other`);
}

/** @throws RUN_TOO_DEEP where the target stands in the chain too often already. */
export function checkRecursion(chain: readonly ChainLink[], next: ChainLink): void {
  const same = chain.filter(({ targetType, targetId }) => targetType === next.targetType && targetId === next.targetId);
  if (same.length < mostOfOneTarget) return;
  throw tooDeep([...chain, next], `"${next.name}" may stand in it at most twice`);
}

function tooDeep(chain: readonly ChainLink[], problem: string): WeftlineError {
  return new WeftlineError("RUN_TOO_DEEP", { chain: chain.map(({ name }) => name).join(" → "), problem });
}
