import { serviceRef, type RunTargetType, type Scope } from "#weftline";
import type { Workflow } from "../entities.ts";
import {
  archiveWorkflow,
  createWorkflow,
  restoreVersion,
  updateWorkflow,
  workflowProblems,
  type CreateWorkflow,
  type UpdateWorkflow,
} from "./edit.ts";
import type { WorkflowRef } from "./find.ts";
import type { WorkflowsHost } from "./host.ts";
import type { Problem } from "./problems.ts";
import { checkSources, type CheckedSources } from "../provided/check.ts";
import type { Sources } from "../provided/sources.ts";
import type { Provision } from "../provided/provision.ts";
import { workflowTarget } from "./run-target.ts";
import { createVersions, type Versions } from "./versions.ts";

/** What the graph and the commands of workflows need. */
export interface WorkflowEditor {
  /** Brings the workflows of files and plugins into the viewer's tenant. Call it before anything is read, never inside a write. */
  prepare(scope: Scope): Promise<void>;
  problems(scope: Scope, input: CreateWorkflow): Promise<readonly Problem[]>;
  create(scope: Scope, input: CreateWorkflow): Promise<Workflow>;
  update(scope: Scope, input: UpdateWorkflow): Promise<Workflow>;
  archive(scope: Scope, workflow: WorkflowRef): Promise<Workflow>;
  restore(scope: Scope, workflow: WorkflowRef, version: number): Promise<Workflow>;
  /** Checks workflows of files beside those that are installed. */
  check(sources: Sources): Promise<CheckedSources>;
  /** Workflows as something that can be run: all but what their runs do. */
  readonly target: Omit<RunTargetType, "program">;
  /** See {@link Versions}. */
  readonly definitionOf: Versions["definitionOf"];
}

export const workflowEditor = serviceRef<WorkflowEditor>("workflows.editor");

export function createWorkflowEditor(host: WorkflowsHost, provision: Provision): WorkflowEditor {
  const prepare = (scope: Scope): Promise<void> => provision.ensure(scope.viewer.tenantId);
  const prepared = async <T>(scope: Scope, work: () => Promise<T>): Promise<T> => {
    await prepare(scope);
    return work();
  };
  return {
    prepare,
    problems: (scope, input) => prepared(scope, () => workflowProblems(host, scope, input)),
    create: (scope, input) => prepared(scope, () => createWorkflow(host, scope, input)),
    update: (scope, input) => prepared(scope, () => updateWorkflow(host, scope, input)),
    archive: (scope, workflow) => prepared(scope, () => archiveWorkflow(host, scope, workflow)),
    restore: (scope, workflow, version) => prepared(scope, () => restoreVersion(host, scope, workflow, version)),
    check: (sources) => checkSources(host, sources, "awaited"),
    target: workflowTarget(host, provision),
    ...createVersions(host.database),
  };
}
