import type { CallToolResult, Tool } from "@modelcontextprotocol/client";
import { hashOf, WeftlineError, type ToolContext, type ToolDefinition } from "#weftline";
import type { McpServerConfig } from "../config.ts";
import { isPartial, notUnderstood } from "./answer.ts";

/** The most that a tool's name has, its server's name and the dot before it included. */
const maxName = 64;

/** Calls a tool at its server, by the name it has there. */
export type CallRemote = (tool: string, args: Readonly<Record<string, unknown>>, ctx: ToolContext) => Promise<CallToolResult>;

/** What a server's tool is here; nothing where the configuration leaves it out. */
export function definitionOf(source: string, server: McpServerConfig, tool: Tool, call: CallRemote): ToolDefinition | undefined {
  const hints = tool.annotations ?? {};
  const reads = hints.readOnlyHint === true;
  const own = Object.hasOwn(server.tools, tool.name) ? server.tools[tool.name] : undefined;
  const rule = own ?? (server.approval === "HINTS" ? (reads ? "NEVER" : "ALWAYS") : server.approval);
  if (rule === "OFF") return undefined;
  return {
    name: nameOf(source, tool.name),
    description: tool.description ?? tool.title ?? hints.title ?? tool.name,
    inputSchema: tool.inputSchema,
    ...(tool.outputSchema ? { outputSchema: tool.outputSchema } : {}),
    sideEffects: reads ? "READ" : "EXTERNAL",
    approval: rule,
    idempotent: reads || hints.idempotentHint === true,
    timeoutMs: server.timeoutMs,
    execute: async (args: Readonly<Record<string, unknown>>, ctx) => resultOf(tool.name, await call(tool.name, args, ctx)),
  };
}

/** The name within the source: what no name here may hold is replaced, what is too long is cut and told apart by a hash. */
function nameOf(source: string, name: string): string {
  const room = maxName - source.length - 1;
  const fitting = name.replaceAll(/[^A-Za-z0-9_.-]/g, "_");
  if (fitting === name && name.length <= room) return name;
  return `${fitting.slice(0, room - 9)}_${hashOf(name).slice(0, 8)}`;
}

/**
 * What a call answered: the structured value where there is one, else the text.
 *
 * @throws TOOL_FAILED with the server's words.
 */
function resultOf(tool: string, answer: CallToolResult): unknown {
  const { content, structuredContent, isError } = answer;
  const texts = content.flatMap((block) => (block.type === "text" ? [block.text] : []));
  if (isError) {
    const words = texts.join("\n").trim();
    throw new WeftlineError("TOOL_FAILED", { tool, ...(words === "" ? {} : { message: words }) });
  }
  if (isPartial(answer)) throw new WeftlineError("TOOL_FAILED", { tool, message: notUnderstood(texts) });
  return structuredContent ?? texts.join("\n");
}
