import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { openLoom, type Loom, type NodeInput } from "../workflows/runs/loom.ts";
import { toolsOf, until } from "./play.ts";

/** What was paid, in order. */
const paid: string[] = [];

/** A bank that pays, and knows nothing of idempotency. */
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "bank", version: "1.0.0" });
  for (const name of ["pay", "pay-again"]) {
    server.registerTool(name, { annotations: { idempotentHint: name === "pay-again" } }, async () => {
      paid.push(name);
      return { content: [{ type: "text" as const, text: "paid" }] };
    });
  }
  return server;
});
const answer = toNodeHandler(handler);

let refuses = false;
/** The first time that something is paid, the line breaks before the answer. */
const http = createServer((request, response) => {
  const work = async (): Promise<void> => {
    if (request.url === "/closed" && refuses) return void response.writeHead(403).end();
    const text = request.method === "POST" ? await bodyOf(request) : "";
    const body = text === "" ? undefined : (JSON.parse(text) as { method?: string; params?: { name?: string } });
    const name = body?.method === "tools/call" ? body.params?.name : undefined;
    if (name === undefined || paid.includes(name)) return answer(request as Parameters<typeof answer>[0], response, body);
    paid.push(name);
    request.socket.destroy();
  };
  work().catch(() => request.socket.destroy());
});

let loom: Loom;
beforeAll(async () => {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const server = (path: string) => ({ url: `http://127.0.0.1:${port}/${path}`, approval: "NEVER" as const });
  loom = await openLoom({ plugins: [mcp({ servers: { bank: server("mcp"), closed: server("closed") } })] });
  for (const name of ["bank", "closed"])
    await until(
      () => toolsOf(loom.app, name),
      ({ size }) => size > 0,
    );
});
afterAll(async () => {
  await loom.app.close();
  await handler.close();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

const node = (tool: string): NodeInput => ({
  key: "t",
  kind: "tool",
  config: { tool, arguments: {} },
  retry: { attempts: 3, delay: "PT0.01S" },
});

describe("a call of an MCP server whose connection breaks before its answer", () => {
  it("is not made again by the node's retry: a person says what became of it", async () => {
    const run = await loom.start(await loom.create([node("bank.pay")]));
    await loom.follow(run, async ({ interrupt, interruptStatus }) => {
      if (!interrupt || interruptStatus !== "PENDING") return false;
      expect(interrupt).toMatchObject({ kind: "UNCERTAIN", message: expect.stringContaining('The MCP server "bank"') as string });
      await loom.decide(interrupt, { kind: "ANSWER", payload: "it was paid" });
      return false;
    });
    expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: "it was paid" });
    expect(paid).toEqual(["pay"]);
  });

  it("is made again where the server says that this does no harm, and fails where the server did not let it in", async () => {
    await until(
      () => toolsOf(loom.app, "bank"),
      ({ size }) => size > 0,
    );
    const again = await loom.start(await loom.create([{ ...node("bank.pay-again"), retry: { attempts: 20, delay: "PT0.1S" } }]));
    await loom.follow(again, async () => false);
    expect(await loom.look(again)).toMatchObject({ status: "SUCCEEDED", output: "paid" });
    expect(paid.filter((each) => each === "pay-again")).toHaveLength(2);

    refuses = true;
    const refused = await loom.start(await loom.create([node("closed.pay")]));
    await loom.follow(refused, async () => false);
    expect(await loom.look(refused)).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED" } });
    expect(paid.filter((each) => each === "pay")).toHaveLength(1);
  });
});
