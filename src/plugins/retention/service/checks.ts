import { WeftlineError, type MemoryScope, type RetainedData, type RetentionTarget } from "#weftline";

/** A policy as it would be. */
export interface PolicyDraft {
  readonly target: RetentionTarget;
  readonly scope: MemoryScope | undefined;
  readonly maxAge: number | null;
  readonly maxCount: number | null;
}

/** What is written today is not removed by a slip of the hand. */
const shortestMs = 60_000;
const longestMs = 100 * 366 * 86_400_000;
const largestCount = 1_000_000_000;

/** @throws INVALID_INPUT with all that is wrong */
export function checkPolicy({ target, scope, maxAge, maxCount }: PolicyDraft, data: RetainedData | undefined): void {
  const issues: { readonly path: readonly string[]; readonly message: string }[] = [];
  const note = (field: string, message: string): void => void issues.push({ path: ["input", field], message });
  if (!data) note("target", `No plugin here keeps ${target}.`);
  else {
    if (scope !== undefined && !data.scopes?.includes(scope))
      note("scope", data.scopes ? `${target} has no scope ${scope}.` : `${target} has no scopes: leave it out.`);
    if (maxAge !== null && !data.by.includes("maxAge")) note("maxAge", `${target} is not limited by age.`);
    if (maxCount !== null && !data.by.includes("maxCount")) note("maxCount", `${target} is not limited by a count.`);
  }
  if (maxAge !== null && (maxAge < shortestMs || maxAge > longestMs)) note("maxAge", "From a minute to a hundred years.");
  if (maxCount !== null && (maxCount < 1 || maxCount > largestCount)) note("maxCount", `From 1 to ${largestCount}.`);
  if (maxAge === null && maxCount === null) note("maxAge", "A policy limits something: pass maxAge, maxCount, or both.");
  const [first] = issues;
  if (first) throw new WeftlineError("INVALID_INPUT", { issues, path: first.path, message: `${first.path.join(".")}: ${first.message}` });
}
