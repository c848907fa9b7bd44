import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";
import { call, seen } from "../capabilities/play.ts";
import { healthOf, toolsOf, until } from "./play.ts";

const readOnly = { annotations: { readOnlyHint: true } };
const listed: readonly unknown[] = [
  { name: "good", inputSchema: { type: "object" }, ...readOnly },
  { name: "bad", inputSchema: {} },
  { name: "none" },
  null,
  { name: "old", inputSchema: { type: "object", properties: { n: true, u: { pattern: "^https\\:" } }, required: "n" }, ...readOnly },
  { name: "loose", title: 7, description: null, annotations: "yes", icons: 1, outputSchema: "x", inputSchema: { type: "object" } },
];

it("offers every good tool of a server that lists bad ones, says which are left out, and tells a call whose answer is odd that it has run", async () => {
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
      const { id, method } = (body === "" ? {} : JSON.parse(body)) as {
        id?: number;
        method?: string;
      };
      if (id === undefined) return void response.writeHead(202).end();
      const results: Readonly<Record<string, unknown>> = {
        initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "odd", version: "1" } },
        "tools/list": { tools: listed },
        "tools/call": { content: [{ type: "hologram" }] },
      };
      const result = results[method ?? ""];
      const answer = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const app = await testPlatform({ plugins: [health(), capabilities(), mcp({ servers: { odd: { url } } })] });
  try {
    const tools = await until(
      () => toolsOf(app, "odd"),
      ({ size }) => size > 0,
    );
    expect([...tools.keys()].toSorted()).toEqual(["odd.good", "odd.loose", "odd.old"]);
    const { status, detail } = await healthOf(app, "mcp.odd");
    expect(status).toBe("UP");
    for (const words of [
      "3 tools",
      'bad is left out: its inputSchema has to say type: "object"',
      "none is left out",
      "odd.old is partly unchecked",
    ])
      expect(detail).toContain(words);
    const { run } = (await call(app, "odd.good", {})) as { run?: { id: string } };
    const ran = await until(
      () => seen(app, run?.id ?? ""),
      ({ status: now }) => now === "FAILED",
    );
    expect(JSON.stringify(ran)).toContain("It has run, and its answer is not understood.");
  } finally {
    await app.close();
    server.closeAllConnections();
    server.close();
  }
});
