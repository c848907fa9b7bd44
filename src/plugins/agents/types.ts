import { enumKey, type Approvers, type RecallRequest } from "#weftline";
import type { ApprovalMode } from "#plugins/capabilities";

export const AgentStatus = enumKey("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED");
export type AgentStatus = keyof typeof AgentStatus;

/** What becomes of the open runs of an agent that is stopped. */
export const StopMode = enumKey("DRAIN", "CANCEL");
export type StopMode = keyof typeof StopMode;

/** What an agent recalls before it answers. */
export interface AgentMemorySettings extends Pick<RecallRequest, "scopes" | "limit"> {
  readonly recall: boolean;
}

/** When a person is asked about an agent's calls of a tool. */
export interface AgentToolPolicy {
  /** A tool's name, as `github.search`; `github.*` for all whose names begin so, `*` for all. */
  readonly tool: string;
  readonly approval: ApprovalMode;
  /** CEL, where approval is POLICY. */
  readonly condition: string | null;
  /** Who besides the owner of the run may decide; absent where nobody else may. */
  readonly approvers?: Approvers;
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
  /** When a person is asked about a call of it, beyond what the tools themselves ask. */
  readonly toolPolicies: readonly AgentToolPolicy[];
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
