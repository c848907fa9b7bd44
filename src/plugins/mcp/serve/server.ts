import type { CallToolResult, Server, Tool as McpTool } from "@modelcontextprotocol/server";
import { asWeftlineError, version, type Scope, type ToolDefinition } from "#weftline";
import { Tool, capabilityDirectory } from "#plugins/capabilities";
import type { ServeConfig } from "../config.ts";
import { callFor, type Answer } from "./call.ts";

/** Where a caller puts a key of its own, so that the same call again is the same run. */
const keyName = "weftline/idempotencyKey";

/** A server of the tools that a viewer may call, for one request of theirs. */
export function serverFor(sdk: typeof Server, scope: Scope, config: ServeConfig): Server {
  const server = new sdk(
    { name: "weftline", version },
    { capabilities: { tools: {} }, instructions: "A call that needs a person's leave fails and names what waits for a decision." },
  );
  server.setRequestHandler("tools/list", () => ({ tools: offered(scope, config).map(shown) }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    const tool = offered(scope, config).find(({ name }) => name === params.name);
    if (!tool) return failure({ message: `There is no tool "${params.name}".` });
    const key = mcpReq._meta?.[keyName];
    const call = { name: tool.name, arguments: params.arguments ?? {}, ...(typeof key === "string" ? { idempotencyKey: key } : {}) };
    const answer = await callFor(scope, call, mcpReq.signal).catch((error: unknown) => refused(scope, error));
    return answer.status === "DONE" ? server.projectCallToolResult(success(tool, answer), tool.outputSchema) : failure(answer);
  });
  return server;
}

function offered(scope: Scope, { tools }: ServeConfig): ToolDefinition[] {
  return scope
    .use(capabilityDirectory)
    .list()
    .flatMap((each) => (each instanceof Tool && (tools === undefined || tools.includes(each.name)) ? [each.definition] : []));
}

function shown({ name, description, inputSchema, outputSchema, sideEffects, idempotent }: ToolDefinition): McpTool {
  const readOnlyHint = sideEffects === "NONE" || sideEffects === "READ";
  return {
    name,
    description,
    inputSchema: inputSchema as McpTool["inputSchema"],
    ...(outputSchema ? { outputSchema: outputSchema as NonNullable<McpTool["outputSchema"]> } : {}),
    annotations: { readOnlyHint, idempotentHint: idempotent, openWorldHint: sideEffects === "EXTERNAL" },
  };
}

function success({ outputSchema }: ToolDefinition, { output, meta }: Extract<Answer, { status: "DONE" }>): CallToolResult {
  const structured = outputSchema !== undefined || (typeof output === "object" && output !== null && !Array.isArray(output));
  const text = typeof output === "string" ? output : JSON.stringify(output ?? null);
  return {
    content: [{ type: "text", text }],
    ...(structured ? { structuredContent: output as NonNullable<CallToolResult["structuredContent"]> } : {}),
    _meta: meta,
  };
}

function failure({ message, meta }: { readonly message: string; readonly meta?: Answer["meta"] }): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true, ...(meta ? { _meta: meta } : {}) };
}

/** In the words of the catalogue; a bug shows nothing of itself. */
function refused(scope: Scope, error: unknown): Answer {
  const known = asWeftlineError(error);
  if (known.kind === "internal") {
    scope.log.error({ err: error, requestId: scope.requestId }, "a call over MCP failed");
    return { status: "FAILED", message: `Something went wrong here (request ${scope.requestId}).`, meta: {} };
  }
  return { status: "FAILED", message: `${known.message} ${known.fix}`.trim(), meta: {} };
}
