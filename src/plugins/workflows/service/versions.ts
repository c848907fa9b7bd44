import { WeftlineError, type Database, type Run } from "#weftline";
import type { WorkflowDefinition } from "../definition/types.ts";
import { WorkflowVersion, versionIdOf } from "../entities.ts";

/** Definitions of pinned versions. */
export interface Versions {
  /** What a run executes: the version that it pinned, whatever became of the workflow since. @throws NOT_FOUND */
  definitionOf(run: Run): Promise<WorkflowDefinition>;
}

/** A definition has up to 1 MiB of JSON. */
const maxCached = 200;

/** Versions never change, so those used last are kept in memory. */
export function createVersions(database: Database): Versions {
  const cached = new Map<string, Promise<WorkflowDefinition>>();
  return {
    definitionOf: (run) => {
      const id = versionIdOf(run.targetId, run.targetVersion ?? 0);
      const definition = cached.get(id) ?? read(database, id, run);
      cached.delete(id);
      cached.set(id, definition);
      if (cached.size > maxCached) cached.delete(cached.keys().next().value ?? "");
      definition.catch(() => cached.delete(id));
      return definition;
    },
  };
}

async function read(database: Database, id: string, { targetName, targetVersion }: Run): Promise<WorkflowDefinition> {
  const [row] = await database.rows.byIds(WorkflowVersion, { reader: "SYSTEM", reach: "MINE" }, [id]);
  if (row) return row.definition;
  throw new WeftlineError("NOT_FOUND", { what: `version ${targetVersion} of the workflow "${targetName}"` });
}
