import type { Changes, Contribution, Database, Logger, ToolRegistry } from "#weftline";
import type { AgentService } from "#plugins/agents";
import type { WorkflowMemory } from "#plugins/memory";
import type { WorkflowNodeKind } from "../contract.ts";

/** What workflows need of the platform. */
export interface WorkflowsHost {
  readonly database: Database;
  readonly changes: Changes;
  readonly tools: ToolRegistry;
  /** Where tools come from that are not there from the start, by the first part of their names. */
  readonly sources: ReadonlyMap<string, unknown>;
  /** Absent where no plugin has agents. */
  readonly agents: AgentService | undefined;
  /** Absent where no plugin has one. */
  readonly memory: WorkflowMemory | undefined;
  readonly kinds: ReadonlyMap<string, Contribution<WorkflowNodeKind<never>>>;
  readonly log: Logger;
}
