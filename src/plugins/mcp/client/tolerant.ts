import type { JSONRPCMessage, Tool, Transport } from "@modelcontextprotocol/client";
import { z } from "zod";
import { readAnswer } from "./answer.ts";

/** A tool that a server lists and nobody can use, and why. */
export interface UnusableTool {
  readonly name: string;
  readonly problem: string;
}

/** What a server said of its tools, read tool by tool; the answers of calls are read block by block. */
export interface ToolReading {
  /** The tool as the server described it. */
  original(tool: Tool): Tool;
  readonly unusable: readonly UnusableTool[];
  /** Forgets what was read: the list is asked for again. */
  reset(): void;
}

const flag = z.boolean().optional().catch(undefined);
const words = z.string().optional().catch(undefined);
const schema = z.looseObject({});

/** What the platform reads of a tool; what of the rest is malformed is passed over. */
const listedTool = z.object({
  name: z.string().min(1),
  title: words,
  description: words,
  inputSchema: z.looseObject({ type: z.literal("object", 'its inputSchema has to say type: "object"') }, "its inputSchema is no object"),
  outputSchema: schema.optional().catch(undefined),
  annotations: z.object({ title: words, readOnlyHint: flag, idempotentHint: flag }).optional().catch(undefined),
});

const readHere: ReadonlySet<string> = new Set(["tools/list", "tools/call"]);

/**
 * Reads lists of tools before the SDK does, which refuses the whole list for one tool that is not as it should be. The SDK is shown of each tool what
 * it needs; the schemas are checked by the platform.
 */
export function readTools(transport: Transport): ToolReading {
  const originals = new Map<string, Tool>();
  const unusable = new Map<string, string>();
  /** What the open requests ask for, by their ids. */
  const asked = new Map<string, string>();

  const read = (listed: unknown): unknown[] => {
    const { success, data, error } = listedTool.safeParse(listed);
    if (!success) {
      const name = (listed as { readonly name?: unknown } | null)?.name;
      unusable.set(
        typeof name === "string" && name !== "" ? name.slice(0, 64) : "a tool without a name",
        error.issues[0]?.message ?? "it is malformed",
      );
      return [];
    }
    originals.set(data.name, withoutUndefined(data) as Tool);
    // The SDK reads which arguments go into headers; only then it needs the schema.
    const mirrored = JSON.stringify(data.inputSchema).includes('"x-mcp-header"');
    return [{ name: data.name, inputSchema: mirrored ? data.inputSchema : { type: "object" } }];
  };
  const tolerant = (message: JSONRPCMessage): JSONRPCMessage => {
    if (!("id" in message) || "method" in message) return message;
    const method = asked.get(String(message.id));
    asked.delete(String(message.id));
    if (!("result" in message) || method === undefined) return message;
    if (method === "tools/call") return { ...message, result: readAnswer(message.result) } as JSONRPCMessage;
    const { tools } = message.result as { readonly tools?: unknown };
    if (!Array.isArray(tools)) return message;
    return { ...message, result: { ...message.result, tools: tools.flatMap(read) } } as JSONRPCMessage;
  };

  const send = transport.send.bind(transport);
  let receive: Transport["onmessage"];
  Object.assign(transport, {
    send: (message: JSONRPCMessage, options: Parameters<typeof send>[1]) => {
      if ("method" in message && "id" in message && readHere.has(message.method)) asked.set(String(message.id), message.method);
      if ("method" in message && message.method === "notifications/cancelled") asked.delete(String(message.params?.["requestId"]));
      return send(message, options);
    },
  });
  Object.defineProperty(transport, "onmessage", {
    configurable: true,
    get: () => receive,
    set: (handler: typeof receive) => {
      receive = handler && ((message, extra) => handler(tolerant(message as JSONRPCMessage) as typeof message, extra));
    },
  });
  return {
    original: (tool) => originals.get(tool.name) ?? tool,
    get unusable() {
      return [...unusable].map(([name, problem]) => ({ name, problem }));
    },
    reset: () => unusable.clear(),
  };
}

function withoutUndefined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
