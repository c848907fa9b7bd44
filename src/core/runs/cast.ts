import { WeftlineError } from "../errors.ts";
import type { Contribution, ExtensionPoint, ServiceRef } from "../kernel/refs.ts";
import { runTargets, type AgentProgram } from "./contract.ts";
import type { OwnProgram } from "./program.ts";
import type { Run } from "./entities/run.ts";
import { modelService, runtimes, type AgentRuntime, type ModelBinding } from "./runtime.ts";
import { toolRegistry, type ToolDefinition } from "./tools.ts";

/** Finds what plugins provide, at the time of asking. */
export interface Lookup {
  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>>;
  has(ref: ServiceRef<unknown>): boolean;
  use<T>(ref: ServiceRef<T>): T;
}

/** What a run of an agent needs, looked up anew for each turn. */
export interface AgentCast {
  readonly kind: "agent";
  readonly program: AgentProgram;
  readonly runtime: AgentRuntime;
  readonly plugin: string;
  readonly model: ModelBinding;
  /** Whether a model here is asked, or somebody else answers. */
  readonly answers: "here" | "elsewhere";
  readonly tools: readonly ToolDefinition[];
}

/** What a run needs whose program runs by itself. */
export interface OwnCast {
  readonly kind: "own";
  readonly program: OwnProgram;
  readonly plugin: string;
  readonly tools: readonly ToolDefinition[];
}

/**
 * Finds what a run needs: its target's program and tools, and an agent's framework and model.
 *
 * @throws UNAVAILABLE or FRAMEWORK_UNKNOWN where a plugin is gone; what the model service throws.
 */
export async function castOf(lookup: Lookup, run: Run): Promise<AgentCast | OwnCast> {
  const target = lookup.contributions(runTargets).get(run.targetType);
  if (!target)
    throw new WeftlineError("UNAVAILABLE", {
      what: `The target type ${run.targetType}`,
      reason: "no plugin provides it.",
      fix: "Add the plugin again.",
    });
  const program = await target.value.program(run);
  if ("run" in program)
    return { kind: "own", program, plugin: program.plugin ?? target.plugin, tools: await toolsOf(lookup, run, program.capabilities) };
  const found = lookup.contributions(runtimes).get(program.framework);
  if (!found) {
    const known = [...lookup.contributions(runtimes).keys()].join(", ");
    throw new WeftlineError("FRAMEWORK_UNKNOWN", { framework: program.framework, known });
  }
  const elsewhere = found.value.answersElsewhere?.(program.options) ?? false;
  if (elsewhere) refuseUnheard(program);
  const model = elsewhere ? noModel : lookup.use(modelService).resolve(program.model, { simulated: run.settings.simulated });
  const tools = program.capabilities.length > 0 ? await toolsOf(lookup, run, program.capabilities) : [];
  return { kind: "agent", program, runtime: found.value, plugin: found.plugin, model, answers: elsewhere ? "elsewhere" : "here", tools };
}

/** Whoever saved the agent was told; since then the same options may have come to stand for something elsewhere. */
function refuseUnheard({ instructions, capabilities, toolPolicies = [], model }: AgentProgram): void {
  const given = { instructions, capabilities: capabilities[0], toolPolicies: toolPolicies[0], model };
  const fields = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (fields.length === 0) return;
  const message = `The agent is answered elsewhere, where nobody hears of its ${fields.join(", ")}: take that out of it.`;
  throw new WeftlineError("INVALID_INPUT", { message });
}

/** The model of who answers elsewhere: it is not asked. */
const noModel: ModelBinding = {
  id: "none",
  provider: "none",
  model: "none",
  provenance: "LIVE",
  api: "chat",
  baseURL: "",
  apiKey: () => Promise.reject(new WeftlineError("INTERNAL", {}, { cause: new Error("the model of an agent that is answered elsewhere") })),
  timeoutMs: 0,
};

async function toolsOf(lookup: Lookup, { tenantId }: Run, names: readonly string[]): Promise<readonly ToolDefinition[]> {
  if (!lookup.has(toolRegistry)) return [];
  const registry = lookup.use(toolRegistry);
  await registry.settled(names);
  return [...registry.resolve(names), ...(await registry.ofTenant(names, { tenantId }))];
}
