import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";
import { called, finished } from "../capabilities/play.ts";
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

const text = { type: "text", text: "It rains." };
const ran = "It has run, and its answer is not understood. Do not call it again for that.";
const withWords = `${ran} What is understood of it:\nIt rains.`;
const data = Buffer.alloc(30_000, 1).toString("base64");

/** What a server answers a call, and what is made of it: a result, or the words of what went wrong. */
const answers: Readonly<Record<string, readonly [answer: unknown, result?: unknown, error?: string]>> = {
  "a block of an unknown type": [{ content: [{ type: "hologram" }] }, undefined, ran],
  "one beside a text": [{ content: [{ type: "hologram" }, text] }, undefined, withWords],
  "a block without a type": [{ content: [{ text: "It rains." }, 7, null] }, undefined, withWords],
  "a text whose text is none": [{ content: [text, { type: "text", text: 7 }] }, undefined, withWords],
  "no content": [{}, undefined, ran],
  "the content null": [{ content: null }, undefined, ran],
  "the content that is no list": [{ content: "It rains." }, undefined, withWords],
  "an image that is none": [{ content: [text, { type: "image", data: "<svg>", mimeType: "image/png" }] }, undefined, withWords],
  "a flag that is none": [{ content: [text], isError: "no" }, undefined, withWords],
  "no result": [null, undefined, ran],
  "a failure with a strange block": [{ content: [{ type: "hologram" }, text], isError: true }, undefined, "It rains."],
  "loose notes": [{ content: [{ ...text, annotations: "yes", _meta: 7 }] }, "It rains."],
  "a value beside no content": [{ content: null, structuredContent: { wet: true } }, { wet: true }],
  "a value that is no object": [{ content: [], structuredContent: [1, 2] }, "[1,2]"],
  "an image": [
    { content: [text, { type: "image", data, mimeType: "image/png" }] },
    "It rains.\n[An image is left out: image/png, 30000 bytes.]",
  ],
  "a recording": [
    { content: [{ type: "audio", data, mimeType: "x".repeat(500) }] },
    "[A recording is left out: of an unknown type, 30000 bytes.]",
  ],
  "a file": [
    { content: [{ type: "resource", resource: { uri: "file:///a.pdf", blob: data, mimeType: "application/pdf" } }] },
    "[file:///a.pdf is left out: application/pdf, 30000 bytes.]",
  ],
  "a file of text": [{ content: [{ type: "resource", resource: { uri: "file:///a.txt", text: "dry" } }] }, "file:///a.txt:\ndry"],
  "a link": [{ content: [{ type: "resource_link", uri: "file:///a.txt", name: "Notes" }] }, "Notes: file:///a.txt"],
};

it("offers every good tool of a server that lists bad ones, says which are left out, and reads an answer block by block", async () => {
  let initialized = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
      const { id, method, params } = (body === "" ? {} : JSON.parse(body)) as {
        id?: number;
        method?: string;
        params?: { arguments?: { answer: string } };
      };
      if (id === undefined) return void response.writeHead(202).end();
      if (method === "initialize") initialized++;
      const results: Readonly<Record<string, unknown>> = {
        initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "odd", version: "1" } },
        "tools/list": { tools: listed },
        "tools/call": answers[params?.arguments?.answer ?? ""]?.[0],
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
    const made = Object.entries(answers).map(async ([answer, [, result = null, words]]) => {
      const { status: ended, output, failure } = await finished(app, await called(app, "odd.good", { answer }));
      expect.soft([ended, output], answer).toEqual([words === undefined ? "SUCCEEDED" : "FAILED", result]);
      expect.soft(failure?.message.endsWith(words ?? ""), `${answer}: ${failure?.message}`).toBe(words === undefined ? undefined : true);
    });
    await Promise.all(made);
    expect(initialized).toBe(1);
  } finally {
    await app.close();
    server.closeAllConnections();
    server.close();
  }
});
