import { joinApprovers, type ToolDefinition } from "#weftline";
import type { CapabilitiesConfig } from "./config.ts";
import { closest } from "./names.ts";

/** What the operator decides about tools. */
export interface Settings {
  /** The tool as the operator has it. */
  adjust(tool: ToolDefinition): ToolDefinition;
  /** Whether an agent's policy may ask less often than the tool's rule. */
  mayLoosen(name: string): boolean;
}

export function createSettings({ tools }: CapabilitiesConfig): Settings {
  const byName = new Map(Object.entries(tools));
  const adjusted = new WeakMap<ToolDefinition, ToolDefinition>();
  return {
    adjust(tool) {
      const set = closest(tool.name, byName);
      if (!set) return tool;
      const known = adjusted.get(tool);
      if (known) return known;
      const { approval = tool.approval, timeoutMs = tool.timeoutMs, concurrency = tool.concurrency } = set;
      const { maxResultChars = tool.maxResultChars, approvers = tool.approvers } = set;
      const made: ToolDefinition = {
        ...tool,
        approval,
        timeoutMs,
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(maxResultChars === undefined ? {} : { maxResultChars }),
        ...(approvers === undefined ? {} : { approvers: joinApprovers(approvers) ?? {} }),
        execute: (args, ctx) => tool.execute(args, ctx),
      };
      adjusted.set(tool, made);
      return made;
    },
    mayLoosen: (name) => closest(name, byName)?.agents === "mayLoosen",
  };
}
