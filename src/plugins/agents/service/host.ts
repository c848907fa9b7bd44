import type { AgentRuntime, Changes, Contribution, Database, Models, RunService, ToolRegistry } from "#weftline";
import type { CapabilityDirectory } from "#plugins/capabilities";
import type { AgentTemplate } from "../contract.ts";

/** What agents need of the platform. */
export interface AgentsHost {
  readonly database: Database;
  readonly changes: Changes;
  readonly runs: RunService;
  readonly tools: ToolRegistry;
  readonly capabilities: CapabilityDirectory;
  /** Absent where no plugin resolves models. */
  readonly models: Models | undefined;
  readonly runtimes: ReadonlyMap<string, Contribution<AgentRuntime>>;
  readonly templates: ReadonlyMap<string, Contribution<AgentTemplate>>;
}
