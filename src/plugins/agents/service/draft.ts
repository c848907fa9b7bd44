import type { Approvers } from "#weftline";
import type { AgentDefinition, AgentMemorySettings, AgentToolPolicy } from "../types.ts";

/** A definition before it is checked: what comes from a client may have any shape. */
export interface DefinitionDraft extends Omit<AgentDefinition, "options" | "outputSchema"> {
  readonly options: unknown;
  readonly outputSchema: unknown;
}

/** A change of a definition: what is left out stays, null clears. */
export interface DefinitionPatch {
  readonly framework?: string | null | undefined;
  readonly model?: string | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly capabilities?: readonly string[] | null | undefined;
  readonly toolPolicies?: readonly PolicyPatch[] | null | undefined;
  readonly options?: unknown;
  readonly outputSchema?: unknown;
  readonly memory?: Patch<AgentMemorySettings> | null | undefined;
}

/** A policy as it comes from a client. */
export type PolicyPatch = Omit<AgentToolPolicy, "condition" | "approvers"> & {
  readonly condition?: string | null | undefined;
  readonly approvers?: Approvers | null | undefined;
};

type Patch<T> = { readonly [Name in keyof T]?: T[Name] | null | undefined };

const defaultMemory: AgentMemorySettings = { recall: false, scopes: [], limit: 5 };

/** An agent that says no more than its framework. */
export const emptyDefinition: AgentDefinition = {
  framework: "",
  model: null,
  instructions: null,
  capabilities: [],
  toolPolicies: [],
  options: {},
  outputSchema: null,
  memory: defaultMemory,
};

function choose<T>(value: T | null | undefined, before: T, cleared: T): T {
  return value === undefined ? before : (value ?? cleared);
}

/** The definition after a change of it. A framework that was cleared is empty: no check lets it pass. */
export function patched(before: AgentDefinition, patch: DefinitionPatch): DefinitionDraft {
  const { memory } = patch;
  return {
    framework: choose(patch.framework, before.framework, "").trim(),
    model: choose(patch.model, before.model, null)?.trim() ?? null,
    instructions: choose(patch.instructions, before.instructions, null),
    capabilities: [...new Set(choose(patch.capabilities, before.capabilities, []))],
    toolPolicies: policiesOf(patch.toolPolicies, before),
    options: choose<unknown>(patch.options, before.options, {}),
    outputSchema: choose<unknown>(patch.outputSchema, before.outputSchema, null),
    memory: memory === undefined ? before.memory : memory === null ? defaultMemory : patchedMemory(before.memory, memory),
  };
}

/** Definitions from before there were policies have none. */
function policiesOf(patch: DefinitionPatch["toolPolicies"], before: Partial<AgentDefinition>): readonly AgentToolPolicy[] {
  const given = choose(patch, before.toolPolicies ?? [], []);
  return given.map(({ tool, approval, condition, approvers }) => ({
    tool: tool.trim(),
    approval,
    condition: condition?.trim() || null,
    ...(approvers == null ? {} : { approvers }),
  }));
}

function patchedMemory(before: AgentMemorySettings, patch: Patch<AgentMemorySettings>): AgentMemorySettings {
  return {
    recall: choose(patch.recall, before.recall, defaultMemory.recall),
    scopes: [...new Set(choose(patch.scopes, before.scopes, defaultMemory.scopes))],
    limit: choose(patch.limit, before.limit, defaultMemory.limit),
  };
}
