import type { StandardSchemaV1 } from "@standard-schema/spec";
import { extensionPoint, serviceRef, type FoundTarget, type Scope, type ToolOwner } from "#weftline";
import type { Agent } from "./entities.ts";
import type { AgentDefinition, AgentRef, JsonObject } from "./types.ts";

export { Agent, AgentVersion } from "./entities.ts";
export {
  AgentStatus,
  type AgentDefinition,
  type AgentMemorySettings,
  type AgentRef,
  type AgentToolPolicy,
  type JsonObject,
} from "./types.ts";

/** What other plugins need of agents. */
export interface AgentService {
  /**
   * The agent that a reference names, as the scope's viewer sees it.
   *
   * @param path where the reference stood in the arguments, for the error.
   * @throws INVALID_ID for an id that is none of an agent, NOT_FOUND where there is no such agent.
   * @example const agent = await scope.use(agentService).resolve(scope, input.agent, ["input", "agent"]);
   */
  resolve(scope: Scope, ref: AgentRef, path: readonly string[]): Promise<Agent>;
  /**
   * The agent as the target of a run.
   *
   * @throws AGENT_NOT_ACTIVE where it takes no runs.
   */
  target(agent: Agent, path?: readonly string[]): FoundTarget;
  /** What a version of an agent executes, the newest by default; null where the viewer may not see it. */
  definition(scope: Scope, agent: Agent, version?: number): Promise<AgentDefinition | null>;
  /** The agent of a name in a tenant, whoever asks. */
  ofTenant(owner: ToolOwner, name: string): Promise<Agent | undefined>;
}

export const agentService = serviceRef<AgentService>("agents.agents");

/** What a template makes of its parameters: an agent without a name. What is left out is as in `createAgent`. */
export interface AgentBlueprint extends Partial<AgentDefinition> {
  readonly description?: string | null;
  /** Agents that it works with, as `agent.<name>`: made with it where the tenant has none of the name, whatever its status. */
  readonly members?: readonly AgentMember[];
}

/** An agent that a template makes besides. */
export interface AgentMember extends Omit<AgentBlueprint, "members"> {
  readonly name: string;
}

/** A blueprint with typed parameters. Make one with {@link defineTemplate}. */
export interface AgentTemplate {
  /** Unique; also the key at {@link templates}. */
  readonly name: string;
  /** For whom it is and what it does. */
  readonly description: string;
  /** The framework of the agents it makes, where their blueprint names no other. */
  readonly framework: string;
  readonly parameters: StandardSchemaV1;
  /** The same as JSON Schema, for forms. */
  readonly parametersSchema: JsonObject;
  /** Called with parameters that passed. */
  build(parameters: never): AgentBlueprint;
}

/** Where plugins put {@link AgentTemplate}s, by name. */
export const templates = extensionPoint<AgentTemplate>("agents.templates");

/** A {@link AgentTemplate} whose `build` is typed by its parameters. */
export interface TemplateSpec<Schema extends StandardSchemaV1> extends Omit<AgentTemplate, "parameters" | "build"> {
  readonly parameters: Schema;
  build(parameters: StandardSchemaV1.InferOutput<Schema>): AgentBlueprint;
}

/**
 * Types a template by its parameters.
 *
 * @example
 * const parameters = z.strictObject({ tone: z.enum(["plain", "warm"]).default("plain") });
 * export const greeter = defineTemplate({
 *   name: "greeter",
 *   description: "Greets people.",
 *   framework: "openai",
 *   parameters,
 *   parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
 *   build: ({ tone }) => ({ instructions: `Greet the user in a ${tone} way.` }),
 * });
 * // in the plugin: contributes: [contribution(templates, greeter.name, greeter)]
 */
export function defineTemplate<Schema extends StandardSchemaV1>(spec: TemplateSpec<Schema>): AgentTemplate {
  return spec;
}
