import { LockMode, UniqueConstraintViolationException } from "@mikro-orm/core";
import { WeftlineError, hasRole, type Changes, type Scope, type Tx } from "#weftline";
import { v7 } from "uuid";
import type { WorkflowDefinition } from "../definition/types.ts";
import { Workflow, WorkflowVersion, versionIdOf } from "../entities.ts";
import { lookupOf, missingWorkflow, tidyName, type WorkflowRef } from "./find.ts";

/** What a new workflow is made of, checked. */
export interface NewWorkflow {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly description: string | null;
  readonly definition: WorkflowDefinition;
  readonly origin?: string;
  readonly contentHash?: string;
}

/**
 * The workflow that is about to be changed, held until the transaction ends.
 *
 * @throws INVALID_ID, NOT_FOUND, FORBIDDEN, WORKFLOW_READ_ONLY
 */
export async function workflowToChange(scope: Scope, tx: Tx, ref: WorkflowRef, path: readonly string[]): Promise<Workflow> {
  const found = await tx.em.findOne(Workflow, lookupOf(ref, path), { lockMode: LockMode.PESSIMISTIC_WRITE });
  const workflow = found ?? missingWorkflow(path);
  checkWriter(scope, workflow, path);
  return workflow;
}

/** @throws FORBIDDEN for a viewer who is neither its owner nor an admin; WORKFLOW_READ_ONLY where a file or a plugin holds it. */
export function checkWriter({ viewer }: Scope, { name, origin, ownerId }: Workflow, path: readonly string[]): void {
  if (origin != null) throw new WeftlineError("WORKFLOW_READ_ONLY", { workflow: name, origin, path });
  if (ownerId === viewer.actorId || hasRole(viewer, "admin")) return;
  throw new WeftlineError("FORBIDDEN", { path, message: "Only the workflow's owner and admins may change it." });
}

/** @throws CONFLICT where another workflow has the name. */
export async function insertWorkflow(changes: Changes, tx: Tx, made: NewWorkflow): Promise<Workflow> {
  const { definition, name, description, origin = null, contentHash = null, ...owner } = made;
  const now = Date.now();
  const workflow = tx.em.create(Workflow, {
    ...owner,
    ...named(name, description),
    id: v7(),
    archived: false,
    version: 1,
    origin,
    contentHash,
    createdAt: now,
    updatedAt: now,
  });
  insertVersion(tx, workflow, definition);
  await flushName(tx, workflow.name);
  publish(changes, tx, workflow, "CREATED");
  return workflow;
}

/** Makes a definition the workflow's newest version. */
export function raiseVersion(tx: Tx, workflow: Workflow, definition: WorkflowDefinition): void {
  workflow.version += 1;
  insertVersion(tx, workflow, definition);
}

function insertVersion(tx: Tx, workflow: Workflow, definition: WorkflowDefinition): void {
  const { id: workflowId, tenantId, ownerId, version } = workflow;
  tx.em.create(WorkflowVersion, {
    id: versionIdOf(workflowId, version),
    tenantId,
    ownerId,
    workflowId,
    version,
    definition,
    createdAt: Date.now(),
  });
}

/** Writes a changed workflow and tells lists of it. */
export async function saveWorkflow(changes: Changes, tx: Tx, workflow: Workflow): Promise<void> {
  workflow.updatedAt = Date.now();
  await flushName(tx, workflow.name);
  publish(changes, tx, workflow, "UPDATED");
}

/** The columns that follow from a name and a description. */
export function named(name: string, description: string | null | undefined): Pick<Workflow, "name" | "description" | "searchText"> {
  const tidy = tidyName(name);
  return { name: tidy, description: description ?? null, searchText: searchable(`${tidy}\n${description ?? ""}`) };
}

/** Text as it is searched. */
export function searchable(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

async function flushName(tx: Tx, name: string): Promise<void> {
  try {
    await tx.em.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    const message = `Another workflow has the name "${name}".`;
    throw new WeftlineError("CONFLICT", { path: ["input", "name"], message }, { cause: error });
  }
}

function publish(changes: Changes, tx: Tx, workflow: Workflow, kind: "CREATED" | "UPDATED"): void {
  const { id, version, tenantId } = workflow;
  tx.afterCommit(() => changes.publish({ kind, typeName: "Workflow", id, version, tenantId }));
}
