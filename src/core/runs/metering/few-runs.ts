import { raw } from "@mikro-orm/core";
import type { Reach } from "../../database/viewer.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Run } from "../entities/run.ts";
import { conditionsOf, type RunFilter } from "../schema/run-list.ts";

/** So many runs are read one by one, in some hundred milliseconds. */
const mostRuns = 100_000;

/** Which runs are about to be read. */
export interface RunsToRead {
  readonly reach: Reach;
  readonly filter: RunFilter | null | undefined;
  /** Asked for then or later, and before that, in milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * Refuses to read more runs than a request may hold up others for: of the time, or of what an index is kept by.
 *
 * @throws INVALID_INPUT
 */
export async function checkFew(scope: Scope, { reach, filter, since, until }: RunsToRead): Promise<void> {
  const { target, agent, workflow, thread, schedule, owner, since: from, until: to } = filter ?? {};
  // By these they are found at once; of the others it is only known once a run is read.
  const indexed: Record<string, unknown> = { target, agent, workflow, thread, schedule, owner, since: from, until: to };
  const times = [
    ...(since === undefined ? [] : [{ createdAt: { $gte: since } }]),
    ...(until === undefined ? [] : [{ createdAt: { $lt: until } }]),
  ];
  const query = scope
    .emWith(reach)
    .createQueryBuilder(Run, "r")
    .select(raw('1 as "more"'))
    .where({ $and: [{}, ...times, ...conditionsOf(scope, reach, indexed)] } as never)
    .limit(1)
    .offset(mostRuns);
  await query.applyFilters();
  if ((await query.execute<unknown[]>("all", false)).length === 0) return;
  const message = `These are more than ${mostRuns.toLocaleString("en")} runs.`;
  throw new WeftlineError("INVALID_INPUT", {
    message,
    issues: [{ path: ["filter"], message }],
    path: ["filter"],
    fix: "Ask for a shorter time. Buckets of whole hours without a filter, or of one agent, workflow or other target, are never too many.",
  });
}
