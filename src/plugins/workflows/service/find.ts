import { WeftlineError, loadRow, localId, localIdOrNothing, type Scope } from "#weftline";
import type { WorkflowDefinition } from "../definition/types.ts";
import { Workflow, WorkflowVersion, versionIdOf } from "../entities.ts";

/** Names one workflow: by its id in the graph or by its name. */
export interface WorkflowRef {
  readonly id?: string | null;
  readonly name?: string | null;
}

/** A name as it is stored: composed letters, no space around it. */
export function tidyName(name: string): string {
  return name.normalize("NFC").trim();
}

/** @throws INVALID_ID for an id that is none of a workflow. */
export function lookupOf({ id, name }: WorkflowRef, path: readonly string[]): { readonly id: string } | { readonly name: string } {
  return id == null ? { name: tidyName(name ?? "") } : { id: localId("Workflow", id, [...path, "id"]) };
}

/** @throws INVALID_ID, NOT_FOUND */
export async function resolveWorkflow(scope: Scope, ref: WorkflowRef, path: readonly string[]): Promise<Workflow> {
  const lookup = lookupOf(ref, path);
  const [workflow] = "id" in lookup ? await scope.rowsById(Workflow, [lookup.id]) : await named(scope, lookup.name);
  return workflow ?? missingWorkflow(path, "name" in lookup ? lookup.name : undefined);
}

/** The workflow for a query: null for a malformed reference, a foreign workflow and a missing one alike. */
export async function findWorkflow(scope: Scope, { id, name }: WorkflowRef): Promise<Workflow | null> {
  if (id != null) return loadRow(scope, Workflow, localIdOrNothing("Workflow", id));
  return (await named(scope, tidyName(name ?? "")))[0] ?? null;
}

function named(scope: Scope, name: string): Promise<Workflow[]> {
  return scope.rows(Workflow, { where: "e.name = ?", params: [name], limit: 1 });
}

/** What the next run of a workflow executes. */
export async function newestDefinition(scope: Scope, { id, version }: Workflow): Promise<WorkflowDefinition> {
  const row = await loadRow(scope, WorkflowVersion, versionIdOf(id, version));
  return row?.definition ?? missingWorkflow([]);
}

/** A workflow as it was committed. */
export async function committedWorkflow(scope: Scope, id: string): Promise<Workflow> {
  return (await loadRow(scope, Workflow, id)) ?? missingWorkflow([]);
}

/** @param name what it was asked for by, where that was a name. */
export function missingWorkflow(path: readonly string[], name?: string): never {
  const message = name === undefined ? {} : { message: `There is no workflow "${name}".` };
  throw new WeftlineError("NOT_FOUND", { what: "workflow", path, ...message });
}
