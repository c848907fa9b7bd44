import { Run, WeftlineError, type MemoryScope, type ToolContext } from "#weftline";
import { AgentVersion } from "#plugins/agents";
import type { MemoryHost } from "../service/host.ts";
import { placeOfRun } from "../service/places.ts";
import type { Place } from "../store/store.ts";

/** What a run may use of the memory. */
export interface Allowed {
  readonly runId: string;
  /** By scope: those that the agent's settings name and the run has a part in. */
  readonly places: ReadonlyMap<MemoryScope, Place>;
}

/** Of a run that no agent answers, as of a workflow: its author wrote down what is called. */
const ofPrograms: readonly MemoryScope[] = ["THREAD", "WORKFLOW", "USER", "TENANT"];

/** Reads from the run's row and its agent's settings what the run may use: nothing of it is what a model said. */
export async function allowedTo({ database }: MemoryHost, { runId }: Pick<ToolContext, "runId">): Promise<Allowed> {
  const run = await database.em("SYSTEM").findOneOrFail(Run, { id: runId });
  const ofAgent = run.targetType === "Agent";
  const scopes = ofAgent ? await scopesOf(database, run) : ofPrograms;
  const placed = { ...run, agentId: ofAgent ? run.targetId : undefined };
  const places = scopes.flatMap((scope): [MemoryScope, Place][] => {
    const place = placeOfRun(placed, scope);
    return place ? [[scope, place]] : [];
  });
  return { runId, places: new Map(places) };
}

async function scopesOf(database: MemoryHost["database"], { targetId, targetVersion }: Run): Promise<readonly MemoryScope[]> {
  const version = await database.em("SYSTEM").findOne(AgentVersion, { agentId: targetId, version: targetVersion ?? 0 });
  return version?.definition.memory.scopes ?? [];
}

/**
 * The place of a scope that a model names, or of the first that is allowed.
 *
 * @throws FORBIDDEN
 */
export function placeNamed({ places }: Allowed, scope: MemoryScope | undefined, preferred: readonly MemoryScope[]): Place {
  const name = scope ?? preferred.find((each) => places.has(each));
  const place = name && places.get(name);
  if (place) return place;
  const known = [...places.keys()].join(", ") || "none";
  throw new WeftlineError("FORBIDDEN", {
    message: scope
      ? `This run may not use the scope ${scope}; it may use: ${known}.`
      : `This run may use no scope of the memory that it could write: ${known}.`,
    fix: "Name the scope in the agent's memory.scopes.",
  });
}
