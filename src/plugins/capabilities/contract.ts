import { enumKey, serviceRef, type Run, type Scope, type SkillDefinition, type ToolDefinition, type ToolOwner } from "#weftline";

/** Whether a person has to allow a call; POLICY goes with a condition. */
export const ApprovalMode = enumKey("NEVER", "ALWAYS", "POLICY");
export type ApprovalMode = keyof typeof ApprovalMode;

/** The type key of the `Capability` interface: something that an agent can be given. */
export class Capability {
  /** Its name, which is unique among tools and skills. */
  readonly id: string;
  readonly kind: "TOOL" | "SKILL";
  readonly description: string;
  /** The plugin that brought it. */
  readonly plugin: string;

  constructor(kind: "TOOL" | "SKILL", definition: { readonly name: string; readonly description: string }, plugin: string) {
    this.id = definition.name;
    this.kind = kind;
    this.description = definition.description;
    this.plugin = plugin;
  }

  get name(): string {
    return this.id;
  }
}

/** The type key of `Tool`. */
export class Tool extends Capability {
  readonly definition: ToolDefinition;

  constructor(definition: ToolDefinition, plugin: string) {
    super("TOOL", definition, plugin);
    this.definition = definition;
  }
}

/** The type key of `Skill`. */
export class Skill extends Capability {
  readonly instructions: string;
  readonly toolNames: readonly string[];

  constructor(definition: SkillDefinition, plugin: string) {
    super("SKILL", definition, plugin);
    this.instructions = definition.instructions;
    this.toolNames = definition.tools;
  }
}

/** What agents can be given, as the graph shows it. */
export interface CapabilityDirectory {
  /** Tools and skills by name, in the order of their names. */
  list(): readonly Capability[];
  /** The tool or skill of this name. */
  find(name: string): Tool | Skill | undefined;
  /** The same with the tools that a tenant has of its own, as `agent.Researcher`. */
  findFor(name: string, owner: ToolOwner): Promise<Tool | Skill | undefined>;
}

/**
 * Looks tools and skills up by name.
 *
 * @example const skill = scope.use(capabilityDirectory).find("research.brief");
 */
export const capabilityDirectory = serviceRef<CapabilityDirectory>("capabilities.directory");

/** The arguments of `callTool`. */
export interface CallTool {
  readonly name: string;
  readonly arguments?: unknown;
  readonly idempotencyKey?: string | null | undefined;
}

/** Calls of tools that people make themselves. */
export interface ToolCaller {
  /**
   * Starts a run that calls the tool, by the same way that an agent's calls go, at most once a key.
   *
   * @throws NOT_FOUND, UNAVAILABLE where the tool's source is away, INVALID_INPUT for arguments that do not fit.
   */
  call(scope: Scope, call: CallTool): Promise<Run>;
}

/**
 * Calls tools for people.
 *
 * @example const run = await scope.use(toolCaller).call(scope, { name: "time.now", arguments: {} });
 */
export const toolCaller = serviceRef<ToolCaller>("capabilities.caller");
