import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { collect, scriptModel, testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { askedBy, call, called, decide, finished } from "../capabilities/play.ts";
import { healthOf, httpToolbox, program, toolsOf, until, type HttpToolbox } from "./play.ts";

const secret = "hunter2-of-the-toolbox";
const long = "near.a_name_that_is_longer_than_any_tool_here_may_have__w";

const script = () =>
  scriptModel([
    { match: "sum", toolCalls: [{ name: "near.add", arguments: { a: 40, b: 2 } }] },
    { match: "sum", reply: "It is 42." },
  ]);

describe("a server that is a program", () => {
  let app: TestPlatform;
  beforeAll(async () => {
    const near = { ...program, env: { TOKEN: secret }, tools: { grow: "NEVER" as const, die: "NEVER" as const, write: "NEVER" as const } };
    const plugins = [models({ default: "script", bindings: {} }), script(), capabilities(), agents(), openai(), health()];
    app = await testPlatform({ plugins: [...plugins, mcp({ servers: { near, asking: { ...program, tools: { fail: "OFF" } } } })] });
    await until(
      () => toolsOf(app, "near"),
      ({ size }) => size > 0,
    );
    await until(
      () => toolsOf(app, "asking"),
      ({ size }) => size > 0,
    );
  });
  afterAll(() => app.close());

  it("brings its tools, with what they say of themselves", async () => {
    const tools = await toolsOf(app, "near");
    expect(tools.get("near.add")).toMatchObject({
      plugin: "mcp",
      description: "Adds two numbers.",
      sideEffects: "READ",
      approval: "NEVER",
      idempotent: true,
      outputSchema: { type: "object", required: ["sum"] },
    });
    expect(tools.get("near.write")).toMatchObject({ sideEffects: "EXTERNAL", approval: "NEVER", idempotent: true });
    const asking = await toolsOf(app, "asking");
    expect(asking.get("asking.write")).toMatchObject({ sideEffects: "EXTERNAL", approval: "ALWAYS" });
    expect(asking.has("asking.fail")).toBe(false);
    expect(await healthOf(app, "mcp.near")).toEqual({ status: "UP", detail: `${tools.size} tools` });
  });

  it("is called by people, and answers with values and texts", async () => {
    const sum = await finished(app, await called(app, "near.add", { a: 1, b: 2 }));
    expect([sum.status, sum.output]).toEqual(["SUCCEEDED", { sum: 3 }]);
    expect((await finished(app, await called(app, "near.write", { line: "x" }))).output).toBe("wrote x");
    expect(await call(app, "near.add", { a: "one", b: 2 })).toMatchObject({ __typename: "InvalidInputError" });
  });

  it("is called under a name that fits where its own does not", async () => {
    const [name = ""] = [...(await toolsOf(app, "near")).keys()].filter((each) => each.startsWith("near.a_name"));
    expect(name.length).toBe(64);
    const run = await called(app, name);
    await decide(app, await askedBy(app, run), { kind: "APPROVE" });
    expect((await finished(app, run)).output).toBe("named");
    expect(name.startsWith(long.slice(0, 40))).toBe(true);
  });

  it("is asked for leave before it changes something, and called once", async () => {
    const run = await called(app, "asking.write", { line: "y" });
    const asked = await askedBy(app, run);
    expect(asked).toMatchObject({ kind: "TOOL_APPROVAL", toolName: "asking.write", arguments: { line: "y" } });
    await decide(app, asked, { kind: "APPROVE" });
    expect((await finished(app, run)).output).toBe("wrote y");
  });

  it("serves agents", async () => {
    await app.graphql('mutation { createAgent(input: { name: "clerk", framework: "openai", capabilities: ["near.add"] }) { __typename } }');
    const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
      'mutation { startRun(input: { target: { agent: { name: "clerk" } }, text: "sum" }) { ... on StartRunPayload { run { id } } } }',
    );
    const run = await finished(app, startRun.run.id);
    expect([run.status, run.text]).toEqual(["SUCCEEDED", "It is 42."]);
    expect(run.steps.nodes).toContainEqual({ kind: "TOOL", name: "near.add", status: "SUCCEEDED" });
  });

  it("fails a call in its own words, without the secrets it was given", async () => {
    const run = await finished(app, await called(app, "near.fail"));
    expect(run.failure).toMatchObject({ code: "TOOL_FAILED", message: "The key [hidden] opens nothing." });
  });

  it("finds PATH and what was configured in its environment, and nothing else", async () => {
    const { output } = await finished(app, await called(app, "near.environment"));
    expect(output).toMatchObject({ names: ["PATH", "TOKEN"] });
  });

  it("says how far it is, and is told when the run is cancelled", async () => {
    const id = await called(app, "near.slow");
    const progress = await collect(
      app.subscribe<{ runEvents: { type: string } }>("subscription ($id: ID!) { runEvents(run: $id, after: 0) { type } }", { id }),
      { until: ({ runEvents }) => runEvents.type === "tool.progress" },
    );
    expect(progress.at(-1)).toMatchObject({ runEvents: { type: "tool.progress" } });
    await app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    expect((await finished(app, id)).status).toBe("CANCELLED");
  });

  it("brings a tool that came later", async () => {
    expect((await toolsOf(app, "near")).has("near.grown")).toBe(false);
    await finished(app, await called(app, "near.grow"));
    const tools = await until(
      () => toolsOf(app, "near"),
      (all) => all.has("near.grown"),
    );
    expect(tools.get("near.grown")?.description).toBe("Came later.");
  });

  it("is started anew when it crashed; until then its tools are gone and the reason is seen", async () => {
    const lost = await finished(app, await called(app, "near.die"));
    expect(lost.failure).toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringContaining('The call of "near.die" broke off: The MCP server "near"'),
    });
    expect((await toolsOf(app, "near")).size).toBe(0);
    expect(await healthOf(app, "mcp.near")).toEqual({ status: "DEGRADED", detail: expect.stringContaining("the connection was closed") });
    expect(JSON.stringify(await healthOf(app, "mcp.near"))).not.toContain(secret);
    expect(await call(app, "near.add", { a: 1, b: 2 })).toMatchObject({ __typename: "UnavailableError" });
    await until(
      () => toolsOf(app, "near"),
      ({ size }) => size > 0,
    );
    expect((await finished(app, await called(app, "near.add", { a: 1, b: 2 }))).output).toEqual({ sum: 3 });
  });

  it("ends with the platform", async () => {
    const { output } = await finished(app, await called(app, "asking.environment"));
    const { pid } = output as { pid: number };
    expect(process.kill(pid, 0)).toBe(true);
    await app.close();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

describe("a server at an address", () => {
  const platform = (url: string, authorization = "Bearer open-sesame"): Promise<TestPlatform> =>
    testPlatform({ plugins: [capabilities(), health(), mcp({ servers: { far: { url, headers: { authorization } } } })] });
  const known = (app: TestPlatform) =>
    until(
      () => toolsOf(app, "far"),
      ({ size }) => size > 0,
    );

  it("is sent the headers, calls, and what changed", async () => {
    await using box = await httpToolbox();
    await using app = await platform(box.url);
    await known(app);
    expect((await finished(app, await called(app, "far.add", { a: 1, b: 2 }))).output).toEqual({ sum: 3 });
    expect(box.heard).toEqual([{ a: 1, b: 2 }]);
    box.add("later");
    expect(
      (
        await until(
          () => toolsOf(app, "far"),
          (all) => all.has("far.later"),
        )
      ).has("far.later"),
    ).toBe(true);
  });

  it("stops its work when the run is cancelled", async () => {
    await using box = await httpToolbox();
    await using app = await platform(box.url);
    await known(app);
    const id = await called(app, "far.slow");
    await collect(
      app.subscribe<{ runEvents: { type: string } }>("subscription ($id: ID!) { runEvents(run: $id, after: 0) { type } }", { id }),
      { until: ({ runEvents }) => runEvents.type === "tool.progress" },
    );
    await app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    expect((await finished(app, id)).status).toBe("CANCELLED");
    await until(
      async () => box.heard,
      (heard) => heard.includes("cancelled"),
    );
    expect(box.heard).toEqual(["cancelled"]);
  });

  it("does not hold up the boot while it is away, says why, and is there when it came back", async () => {
    const box: HttpToolbox = await httpToolbox();
    await box[Symbol.asyncDispose]();
    await using app = await platform(box.url);
    const away = await until(
      () => healthOf(app, "mcp.far"),
      ({ detail }) => detail?.includes("cannot be reached") ?? false,
    );
    expect(away).toEqual({
      status: "DEGRADED",
      detail: `http://127.0.0.1:${box.port} cannot be reached. Start the server, or correct servers.far.url. It is tried again by itself.`,
    });
    await using again = await httpToolbox(box.port);
    expect((await known(app)).has("far.add")).toBe(true);
    expect(again.heard).toEqual([]);
  });

  it("is found out by the next call when it went, and connected to when it came back", async () => {
    const box = await httpToolbox();
    await using app = await platform(box.url);
    await known(app);
    await box[Symbol.asyncDispose]();
    const lost = await finished(app, await called(app, "far.add", { a: 1, b: 2 }).catch(() => ""));
    expect(lost.status).toBe("FAILED");
    await until(
      () => toolsOf(app, "far"),
      ({ size }) => size === 0,
    );
    await using again = await httpToolbox(box.port);
    await known(app);
    expect((await finished(app, await called(app, "far.add", { a: 1, b: 2 }))).output).toEqual({ sum: 3 });
    expect(again.heard).toEqual([{ a: 1, b: 2 }]);
  });

  it("that refuses the credentials is shown without them", async () => {
    await using box = await httpToolbox();
    await using app = await platform(box.url, `Bearer ${secret}`);
    const refused = await until(
      () => healthOf(app, "mcp.far"),
      ({ detail }) => detail?.includes("credentials") ?? false,
    );
    expect(refused.detail).toBe(
      `http://127.0.0.1:${box.port} refused the credentials. Correct servers.far.headers. It is tried again by itself.`,
    );
    expect(box.headers.some(({ authorization }) => authorization === `Bearer ${secret}`)).toBe(true);
  });
});

it("keys in an address's path and in arguments are shown nowhere", async () => {
  const server = createServer((request, response) => void response.writeHead(404).end(`no such ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const far = { url: `${origin}/s/${secret}/mcp` };
  const near = { command: process.execPath, args: ["-e", "console.error(process.argv[1], process.argv[1].slice(6))", `--key=${secret}`] };
  await using app = await testPlatform({ plugins: [capabilities(), health(), mcp({ servers: { far, near } })] });
  for (const [name, words] of [
    ["far", `${origin}: `],
    ["near", "it wrote: "],
  ] as const) {
    const away = await until(
      () => healthOf(app, `mcp.${name}`),
      ({ detail }) => detail?.includes(words) ?? false,
    );
    expect(away.detail).toContain(words);
    expect(away.detail).toContain("[hidden]");
    expect(away.detail).not.toContain(secret);
  }
  server.close();
});

it("that cannot be started is named with what fixes it, and the boot goes on", async () => {
  await using app = await testPlatform({
    plugins: [capabilities(), health(), mcp({ servers: { none: { command: "no-such-program-here" } } })],
  });
  const none = await until(
    () => healthOf(app, "mcp.none"),
    ({ detail }) => detail?.includes("no program") ?? false,
  );
  expect(none.detail).toContain('there is no program "no-such-program-here". Install it');
});

it.each([
  [{ servers: { "a.b": { command: "x" } } }, "servers"],
  [{ servers: { a: { url: "ftp://x" } } }, "servers"],
  [{ servers: { a: {} } }, "servers"],
])("options that cannot work stop the boot", async (options, where) => {
  await expect(testPlatform({ plugins: [capabilities(), mcp(options as never)] })).rejects.toThrow(
    new RegExp(`PLUGIN_CONFIG_INVALID.*${where}`, "s"),
  );
});
