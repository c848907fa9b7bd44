import { WeftlineError, hashOf, idempotently, type Scope, type Tx } from "#weftline";
import type { ReadDefinition } from "../definition/read.ts";
import type { WorkflowDefinition } from "../definition/types.ts";
import { WorkflowVersion, versionIdOf, type Workflow } from "../entities.ts";
import { checkInput, checkStored } from "./check.ts";
import { committedWorkflow, missingWorkflow, newestDefinition, resolveWorkflow, type WorkflowRef } from "./find.ts";
import type { WorkflowsHost } from "./host.ts";
import { inputOf, type DefinitionInput, type WorkflowNodeInput } from "./input.ts";
import { descriptionProblems, nameProblems, refuseIf, type Problem } from "./problems.ts";
import { checkWriter, insertWorkflow, named, raiseVersion, saveWorkflow, workflowToChange } from "./rows.ts";

/** The input of `createWorkflow` and of `validateWorkflow`. */
export interface CreateWorkflow extends DefinitionInput {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The input of `updateWorkflow`: what is left out stays, null clears. */
export interface UpdateWorkflow {
  readonly workflow: WorkflowRef;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly inputSchema?: unknown;
  readonly nodes?: readonly WorkflowNodeInput[] | null | undefined;
  readonly archived?: boolean | null | undefined;
  readonly expectedVersion?: number | null | undefined;
}

/** How often an update is prepared again because another came first. */
const maxRounds = 5;

/** All that is wrong with a workflow that is to be made. Writes nothing. */
export async function workflowProblems(host: WorkflowsHost, scope: Scope, input: CreateWorkflow): Promise<readonly Problem[]> {
  return (await checkNew(host, scope, input)).problems;
}

async function checkNew(host: WorkflowsHost, scope: Scope, input: CreateWorkflow): Promise<ReadDefinition> {
  const words = [...nameProblems(input.name, ["input", "name"]), ...descriptionProblems(input.description, ["input", "description"])];
  const { definition, problems } = await checkInput(host, { scope }, input, ["input"]);
  return { ...(definition && { definition }), problems: [...words, ...problems] };
}

/** @throws INVALID_INPUT with all problems, CONFLICT for a taken name, IDEMPOTENCY_CONFLICT */
export async function createWorkflow(host: WorkflowsHost, scope: Scope, input: CreateWorkflow): Promise<Workflow> {
  // Outside the write, for it may take time. What is wrong is told only where there is no first answer.
  const { definition, problems } = await checkNew(host, scope, input);
  const request = { mutation: "createWorkflow", key: input.idempotencyKey, body: input };
  const { workflow } = await idempotently(scope, request, async (tx) => {
    const { tenantId, actorId: ownerId } = scope.viewer;
    const { name, description = null } = input;
    const made = await insertWorkflow(host.changes, tx, { tenantId, ownerId, name, description, definition: valid(definition, problems) });
    return { workflow: made.id };
  });
  return committedWorkflow(scope, workflow);
}

/**
 * Changes a workflow. What its runs execute is a new version; its name, its description and whether it is archived stand outside of versions.
 *
 * @throws INVALID_INPUT, NOT_FOUND, FORBIDDEN, WORKFLOW_READ_ONLY, VERSION_CONFLICT, CONFLICT for a taken name
 */
export async function updateWorkflow(host: WorkflowsHost, scope: Scope, input: UpdateWorkflow): Promise<Workflow> {
  const path = ["input", "workflow"];
  for (let round = 1; round <= maxRounds; round++) {
    const base = await resolveWorkflow(scope, input.workflow, path);
    checkWriter(scope, base, path);
    checkVersion(base, input.expectedVersion);
    const change = await prepare(host, scope, base, input);
    const id = await scope.write(async (tx) => {
      const workflow = await workflowToChange(scope, tx, input.workflow, path);
      checkVersion(workflow, input.expectedVersion);
      if (workflow.id !== base.id || workflow.version !== base.version) return undefined;
      await applyChange(host, tx, workflow, input, change);
      return workflow.id;
    }, "workflows.update");
    if (id !== undefined) return committedWorkflow(scope, id);
  }
  throw new WeftlineError("CONFLICT", { path, message: "The workflow kept changing meanwhile." });
}

/** @returns the definition of the new version, or nothing where the newest stays. */
async function prepare(host: WorkflowsHost, scope: Scope, base: Workflow, input: UpdateWorkflow): Promise<WorkflowDefinition | undefined> {
  const words = [
    ...(input.name === undefined ? [] : nameProblems(input.name, ["input", "name"])),
    ...descriptionProblems(input.description, ["input", "description"]),
    ...(input.nodes === null ? [{ path: ["input", "nodes"], message: "A workflow needs nodes: leave them out to keep them." }] : []),
    ...(input.archived === null ? [{ path: ["input", "archived"], message: "A workflow is archived or not: true or false." }] : []),
  ];
  if (input.nodes == null && input.inputSchema === undefined) {
    refuseIf(words);
    return undefined;
  }
  const before = await newestDefinition(scope, base);
  const written = inputOf(before);
  const { definition, problems } = await checkInput(
    host,
    { scope },
    { inputSchema: input.inputSchema === undefined ? written.inputSchema : input.inputSchema, nodes: input.nodes ?? written.nodes },
    ["input"],
  );
  const after = valid(definition, [...words, ...problems]);
  return hashOf(after) === hashOf(before) ? undefined : after;
}

async function applyChange(
  host: WorkflowsHost,
  tx: Tx,
  workflow: Workflow,
  { name, description = workflow.description, archived }: UpdateWorkflow,
  definition: WorkflowDefinition | undefined,
): Promise<void> {
  const words = named(name ?? workflow.name, description);
  const changed =
    words.name !== workflow.name || words.description !== workflow.description || (archived ?? workflow.archived) !== workflow.archived;
  if (!changed && !definition) return;
  if (definition) raiseVersion(tx, workflow, definition);
  Object.assign(workflow, words, archived == null ? {} : { archived });
  await saveWorkflow(host.changes, tx, workflow);
}

/** @throws NOT_FOUND, FORBIDDEN, WORKFLOW_READ_ONLY */
export async function archiveWorkflow(host: WorkflowsHost, scope: Scope, ref: WorkflowRef): Promise<Workflow> {
  const id = await scope.write(async (tx) => {
    const workflow = await workflowToChange(scope, tx, ref, ["workflow"]);
    await applyChange(host, tx, workflow, { workflow: ref, archived: true }, undefined);
    return workflow.id;
  }, "workflows.archive");
  return committedWorkflow(scope, id);
}

/**
 * Makes an old version the newest: a new version that equals it.
 *
 * @throws NOT_FOUND for an unknown version, and INVALID_INPUT where what it names is no longer there.
 */
export async function restoreVersion(host: WorkflowsHost, scope: Scope, ref: WorkflowRef, version: number): Promise<Workflow> {
  const base = await resolveWorkflow(scope, ref, ["workflow"]);
  checkWriter(scope, base, ["workflow"]);
  const [old] = await scope.rowsById(WorkflowVersion, [versionIdOf(base.id, version)]);
  if (!old) throw new WeftlineError("NOT_FOUND", { what: "version of this workflow", path: ["version"] });
  refuseIf(await checkStored(host, { scope }, old.definition, ["version"]));
  const id = await scope.write(async (tx) => {
    const workflow = await workflowToChange(scope, tx, ref, ["workflow"]);
    if (workflow.id !== base.id) return missingWorkflow(["workflow"]);
    raiseVersion(tx, workflow, old.definition);
    await saveWorkflow(host.changes, tx, workflow);
    return workflow.id;
  }, "workflows.restore");
  return committedWorkflow(scope, id);
}

function valid(definition: WorkflowDefinition | undefined, problems: readonly Problem[]): WorkflowDefinition {
  refuseIf(problems);
  if (!definition) throw new WeftlineError("INTERNAL", { message: "A definition without problems could not be read." });
  return definition;
}

function checkVersion({ version }: Workflow, expected: number | null | undefined): void {
  if (expected == null || expected === version) return;
  throw new WeftlineError("VERSION_CONFLICT", { actual: version, expected, path: ["input", "expectedVersion"] });
}
