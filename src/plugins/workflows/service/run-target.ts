import { WeftlineError, loadRow, type FoundTarget, type RunTargetType, type Scope } from "#weftline";
import { Workflow } from "../entities.ts";
import { missingWorkflow, newestDefinition, resolveWorkflow, type WorkflowRef } from "./find.ts";
import type { WorkflowsHost } from "./host.ts";
import { refuseIf } from "./problems.ts";
import type { Provision } from "../provided/provision.ts";

/** Workflows as something that can be run: all but what their runs do. */
export function workflowTarget(host: WorkflowsHost, provision: Provision): Omit<RunTargetType, "program"> {
  const path = ["input", "target", "workflow"];
  return {
    typeName: "Workflow",
    startable: {
      inputField: "workflow",
      check: async (scope, value, given) => {
        await provision.ensure(scope.viewer.tenantId);
        const workflow = await resolveWorkflow(scope, value as WorkflowRef, path);
        const target = targetOf(workflow, path);
        await checkInput(host, scope, workflow, given);
        return target;
      },
      find: async (scope, value) => targetOf(await resolveWorkflow(scope, value as WorkflowRef, path), path),
    },
    admit: async (scope, id, at) => void targetOf((await loadRow(scope, Workflow, id)) ?? missingWorkflow(at), at),
    load: (scope, id) => loadRow(scope, Workflow, id),
  };
}

/** @throws WORKFLOW_ARCHIVED */
function targetOf({ id, name, version, archived, origin }: Workflow, path: readonly string[]): FoundTarget {
  if (!archived) return { id, name, version };
  const fix = origin == null ? {} : { fix: `Put ${origin} back and restart the server.` };
  throw new WeftlineError("WORKFLOW_ARCHIVED", { workflow: name, path, ...fix });
}

/** @throws INVALID_INPUT, WORK_TOO_LONG, RATE_LIMITED */
async function checkInput(
  { tools }: WorkflowsHost,
  scope: Scope,
  workflow: Workflow,
  { input, text }: { readonly input?: unknown; readonly text?: string },
): Promise<void> {
  const told = text === undefined ? [] : [{ path: ["input", "text"], message: "A workflow is told nothing in words: pass input." }];
  const { inputSchema } = await newestDefinition(scope, workflow);
  const { tenantId, actorId } = scope.viewer;
  const found = inputSchema ? await tools.checkSchema(inputSchema, input ?? null, `${tenantId}:${actorId}`) : [];
  refuseIf([...told, ...found.map(({ path, message }) => ({ path: ["input", "input", ...path], message }))]);
}
