import { enumKey } from "#weftline";

export const AgentStatus = enumKey("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED");
export type AgentStatus = keyof typeof AgentStatus;

/** What becomes of the open runs of an agent that is stopped. */
export const StopMode = enumKey("DRAIN", "CANCEL");
export type StopMode = keyof typeof StopMode;

/** Whose memory a fact belongs to. */
export const MemoryScope = enumKey("THREAD", "AGENT", "WORKFLOW", "USER", "TENANT");
export type MemoryScope = keyof typeof MemoryScope;

/** What an agent recalls before it answers. */
export interface AgentMemorySettings {
  readonly recall: boolean;
  readonly scopes: readonly MemoryScope[];
  /** The most facts that it is shown. */
  readonly limit: number;
}

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a run of an agent executes: the content of one version. */
export interface AgentDefinition {
  /** The id of a framework. */
  readonly framework: string;
  /** `binding/model`; null for the default. */
  readonly model: string | null;
  readonly instructions: string | null;
  /** Names of tools and skills. */
  readonly capabilities: readonly string[];
  /** The framework's own settings. */
  readonly options: JsonObject;
  /** JSON Schema of the answer. */
  readonly outputSchema: JsonObject | null;
  readonly memory: AgentMemorySettings;
}

/** Names one agent: by its id in the graph or by its name. */
export interface AgentRef {
  readonly id?: string | null;
  readonly name?: string | null;
}
