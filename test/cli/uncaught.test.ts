import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, killTree, spawnCli, urlOf, type Running } from "./server.ts";
import { newFolder, root, writeConfig } from "./terminal.ts";

const pluginsFile = JSON.stringify(join(root, "src/plugins/index.ts"));
const carelessFile = JSON.stringify(join(import.meta.dirname, "fixtures/careless.ts"));
const folder = newFolder();
let server: Running;
let url: string;

beforeAll(async () => {
  writeConfig(
    folder,
    `await (async () => {
      const { agents, capabilities, health, langgraph, models, simulated } = await import(${pluginsFile});
      const { carelessPlugin } = await import(${carelessFile});
      return { plugins: [auth(), health(), models(), simulated(), capabilities(), agents(), langgraph(), carelessPlugin()] };
    })()`,
  );
  server = spawnCli(["start", "--port", "0"], { cwd: folder });
  url = await urlOf(server);
}, 40_000);
afterAll(async () => {
  await killTree(server);
  rmSync(folder, { recursive: true });
});

const uncaught = { status: "FAILED", failure: { code: "UNCAUGHT_ERROR", message: expect.stringMatching(/was not caught\.$/) as string } };

async function data<T>(query: string): Promise<T> {
  return ((await ask(url, query)) as { data: T }).data;
}

async function ended(id: string): Promise<unknown> {
  for (;;) {
    const { run } = await data<{ run: { status: string; takeovers?: number } }>(`{ run(id: "${id}") { status failure { code message } } }`);
    if (!["QUEUED", "RUNNING"].includes(run.status)) return run;
  }
}

it("a line that a tool logs says of which run and tool it is, and no secret", async () => {
  const { callTool } = await data<{ callTool: { run: { id: string } } }>(
    `mutation { callTool(name: "careless.notes", arguments: {}) { ... on CallToolPayload { run { id } } } }`,
  );
  expect(await ended(callTool.run.id)).toMatchObject({ status: "SUCCEEDED" });
  const [text] = await server.until(/^\{.*"msg":"noted.*$/m);
  const line = JSON.parse(text) as Record<string, unknown>;
  const local = Buffer.from(callTool.run.id, "base64").toString().split(":").at(-1) ?? callTool.run.id;
  expect(line).toMatchObject({ tool: "careless.notes", apiKey: "[secret]", msg: "noted with Bearer [secret]" });
  expect([callTool.run.id, local].some((id) => id.includes(String(line["runId"])))).toBe(true);
});

describe("an error that nothing catches", () => {
  it.each(["rejects", "throws"])("in a tool that %s ends its run and nothing else", async (name) => {
    const { callTool } = await data<{ callTool: { run: { id: string } } }>(
      `mutation { callTool(name: "careless.${name}", arguments: {}) { ... on CallToolPayload { run { id } } } }`,
    );
    expect(await ended(callTool.run.id)).toEqual(uncaught);
    await server.until(new RegExp(`"tool":"careless.${name}".*was not caught`));
  });

  it.each(["rejects", "throws"])("in a node of a graph that %s ends its run and nothing else", async (name) => {
    const agent = `{ name: "${name}", framework: "langgraph", options: { graph: "${name}", output: "done" } }`;
    const { startRun } = await data<{ startRun: { run: { id: string } } }>(
      `mutation { createAgent(input: ${agent}) { __typename }
        startRun(input: { target: { agent: { name: "${name}" } }, input: { done: "" } }) { ... on StartRunPayload { run { id } } } }`,
    );
    expect(await ended(startRun.run.id)).toEqual(uncaught);
    await server.until(/"plugin":"langgraph".*was not caught/);
  });

  it.each(["Rejects", "Throws"])("in a resolver is the answer to its request: %s", async (name) => {
    expect(await ask(url, `{ careless${name} }`)).toMatchObject({
      errors: [{ extensions: { code: "INTERNAL", requestId: expect.any(String) } }],
    });
  });

  it("in a route is the answer to its request", async () => {
    expect((await fetch(new URL("/careless", url))).status).toBe(500);
  });

  it("in nobody's work is logged, and the server is well", async () => {
    expect(server.said()).toContain("thrown in a callback");
    expect((await fetch(new URL("/healthz", url))).status).toBe(200);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });
});
