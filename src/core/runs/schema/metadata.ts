import type { FilterQuery } from "@mikro-orm/core";
import { raw } from "@mikro-orm/core";
import { isLonger } from "../../json/characters.ts";
import type { Reach } from "../../database/viewer.ts";
import type { InputProblem } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { hashOf } from "../../host/idempotency.ts";
import type { Run } from "../entities/run.ts";
import { contentReachOf } from "./access.ts";
import { invalidInput } from "./limits.ts";

/** What a run's metadata may hold. */
export const metadataLimits = { members: 32, nameCharacters: 100, depth: 8, bytes: 16 * 1024 } as const;

/** What is wrong with metadata that a caller sent. */
export function metadataProblems(metadata: unknown, path: readonly string[]): InputProblem[] {
  if (metadata == null) return [];
  const { members, nameCharacters, depth, bytes } = metadataLimits;
  if (typeof metadata !== "object" || Array.isArray(metadata)) return [{ path, message: "Metadata is a JSON object." }];
  const names = Object.keys(metadata);
  if (names.length > members) return [{ path, message: `Metadata has at most ${members} members.` }];
  const named = names.find((name) => name === "" || isLonger(name, nameCharacters));
  if (named !== undefined) return [{ path, message: `The names of metadata have 1 to ${nameCharacters} characters.` }];
  if (isDeeper(metadata, depth)) return [{ path, message: `Metadata is at most ${depth} levels deep.` }];
  if (Buffer.byteLength(JSON.stringify(metadata)) > bytes) return [{ path, message: `Metadata has at most ${bytes / 1024} KiB of JSON.` }];
  return [];
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

/**
 * Runs whose metadata holds each of the members, with equal values. Metadata is content, so that of others is looked at only where the viewer
 * may read it: a filter must not tell what a field hides.
 *
 * @throws INVALID_INPUT
 */
export function holdsMetadata(scope: Scope, metadata: unknown, reach: Reach): FilterQuery<Run>[] {
  const problems = metadataProblems(metadata, ["filter", "metadata"]);
  if (problems.length > 0) throw invalidInput(problems);
  const members = Object.entries(metadata as Readonly<Record<string, unknown>>);
  if (members.length === 0) return [];
  const { tenantId, actorId } = scope.viewer;
  const own = reach === "MINE" || contentReachOf(scope) !== "TENANT";
  return members.map(([name, value]) => {
    const params = [tenantId, name, hashOf(value), ...(own ? [actorId] : [])];
    const holding = `select run_id from runs_run_metadata where tenant_id = ? and name = ? and value_hash = ?${own ? " and owner_id = ?" : ""}`;
    return { [raw((alias) => `${alias}.id in (${holding})`, params)]: [] };
  });
}
