import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { openLoom, type Loom, type NodeInput } from "../workflows/runs/loom.ts";
import { toolsOf, until } from "./play.ts";

/** How often each was paid. */
const paid: string[] = [];

/** A server that pays and breaks the line before it has answered; it knows nothing of idempotency. */
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "bank", version: "1.0.0" });
  for (const name of ["pay", "pay-again"]) {
    server.registerTool(name, { annotations: { idempotentHint: name === "pay-again" } }, async () => {
      paid.push(name);
      if (paid.filter((each) => each === name).length === 1) http.closeAllConnections();
      return { content: [{ type: "text" as const, text: "paid" }] };
    });
  }
  return server;
});
const answer = toNodeHandler(handler);
const http = createServer((request, response) => {
  const of = new URL(request.url ?? "/", "http://bank");
  if (of.pathname === "/closed" && refuses) return void response.writeHead(403).end();
  return void answer(request as Parameters<typeof answer>[0], response);
});
let refuses = false;

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
