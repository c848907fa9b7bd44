import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** An MCP server of real tools; what it was told stays in `heard`. */
export function toolbox(heard: unknown[] = [], extra: readonly string[] = []): McpServer {
  const server = new McpServer({ name: "toolbox", version: "1.0.0" }, { capabilities: { tools: { listChanged: true } } });
  const text = (words: string) => ({ content: [{ type: "text" as const, text: words }] });
  server.registerTool(
    "add",
    {
      description: "Adds two numbers.",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true },
    },
    async ({ a, b }) => {
      heard.push({ a, b });
      return { content: [], structuredContent: { sum: a + b } };
    },
  );
  server.registerTool(
    "write",
    { description: "Writes.", inputSchema: z.object({ line: z.string() }), annotations: { idempotentHint: true } },
    async ({ line }, ctx) => {
      heard.push(line);
      const { traceparent } = ctx.mcpReq._meta ?? {};
      if (traceparent !== undefined) heard.push({ traceparent });
      return text(`wrote ${line}`);
    },
  );
  server.registerTool("fail", { description: "Fails.", annotations: { readOnlyHint: true } }, async () => ({
    ...text(`The key ${process.env["TOKEN"] ?? "none"} opens nothing.`),
    isError: true,
  }));
  server.registerTool("slow", { description: "Takes long.", annotations: { readOnlyHint: true } }, async (ctx) => {
    const { progressToken } = ctx.mcpReq._meta ?? {};
    if (progressToken !== undefined)
      await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: 1, total: 2 } });
    await sleep(30_000, undefined, { signal: ctx.mcpReq.signal }).catch(() => heard.push("cancelled"));
    return text("late");
  });
  server.registerTool("environment", { description: "What it finds.", annotations: { readOnlyHint: true } }, async () => ({
    content: [],
    structuredContent: { names: Object.keys(process.env).toSorted(), pid: process.pid },
  }));
  server.registerTool("die", { description: "Ends the process.", annotations: { readOnlyHint: true } }, async () => process.exit(3));
  server.registerTool("grow", { description: "Brings another tool.", annotations: { readOnlyHint: true } }, async () => {
    server.registerTool("grown", { description: "Came later.", annotations: { readOnlyHint: true } }, async () => text("here"));
    return text("grew");
  });
  const odd = "a/name that is longer than any tool here may have, with its server's before it";
  if (process.env["TOKEN"]) server.registerTool(odd, {}, async () => text("named"));
  for (const name of extra) server.registerTool(name, { annotations: { readOnlyHint: true } }, async () => text(name));
  return server;
}
