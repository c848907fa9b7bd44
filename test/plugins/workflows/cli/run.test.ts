import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPlatform, type Platform } from "../../../../src/core/platform.ts";
import { agents, auth, capabilities, langchain, models, openai, simulated, workflows } from "../../../../src/plugins/index.ts";
import { root, weftline, type Ran } from "../../../cli/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-run-"));
const config = join(folder, "plugins.config.ts");
const example = join(root, "examples/research.yaml");
const kept = join(folder, "kept");
let platform: Platform;
let url: string;

beforeAll(async () => {
  const list = JSON.stringify(join(root, "src/plugins/index.ts"));
  const plugins = "auth(), models(), simulated({ tokensPerSecond: 0 }), capabilities(), openai(), langchain(), agents(), workflows()";
  writeFileSync(
    config,
    `import { agents, auth, capabilities, langchain, models, openai, simulated, workflows } from ${list};
     export default { plugins: [${plugins}], dataDir: ${JSON.stringify(join(folder, "own"))}, logLevel: "silent" };`,
  );
  mkdirSync(kept);
  small("kept/greet", [{ key: "say", kind: "transform", config: { expression: '"Hello"' } }]);
  platform = await createPlatform({
    plugins: [
      auth(),
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      langchain(),
      agents(),
      workflows({ folder: kept }),
    ],
    dataDir: join(folder, "server"),
    logLevel: "silent",
  });
  url = (await platform.listen({ port: 0 })).url;
});
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: object): string {
  writeFileSync(join(folder, name), JSON.stringify(content));
  return join(folder, name);
}

const run = (...words: string[]): Promise<Ran> => weftline("run", ...words, "--url", url, "--config", config);
const small = (name: string, nodes: readonly object[]): string => file(`${name}.json`, { name, nodes });
const events = ({ out }: Ran) =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

describe("weftline run", () => {
  it("runs the example of the repository on a host of its own: it makes its agents, asks for approval and prints the result", async () => {
    const ran = await weftline("run", example, "--input", '{"topic":"looms"}', "--approve", "all", "--watch", "--config", config);
    expect(ran).toMatchObject({ code: 0 });
    const output = JSON.parse(ran.out) as Readonly<Record<string, string>>;
    expect(output).toMatchObject({ topic: "looms", depth: "summary" });
    expect(output["facts"]).toMatch(/^\[simulated\]/);
    expect(ran.said).toContain('Made the agent "researcher" on openai.\nMade the agent "critic" on langchain.\n');
    expect(ran.said).toMatch(/researcher \(openai\): running[^]*research: \w+ asks: Publish the report on looms\?[^]*research: succeeded/);
    expect(ran.said).toContain("SIMULATED");
  });

  it("saves a new version only of a file that changed, and never changes an agent", async () => {
    const agent = { name: "scribe", framework: "openai", instructions: "Write." };
    const nodes = [{ key: "write", kind: "agent", config: { agent: "scribe", text: "Write one sentence." } }];
    const path = file("scribe.json", { name: "scribe", agents: [agent], nodes });
    expect(await run(path)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\[simulated\] /),
      said: expect.stringMatching(/^Made the agent "scribe" on openai\.\nSaved the workflow "scribe", version 1\.\n/),
    });
    file("scribe.json", { name: "scribe", agents: [{ ...agent, framework: "none" }], nodes });
    expect((await run(path)).said).not.toMatch(/Saved|Made/);
    file("scribe.json", { name: "scribe", agents: [agent], nodes: [{ ...nodes[0], name: "Write it" }] });
    expect((await run(path)).said).toContain('Saved the workflow "scribe", version 2.');
    expect(await run("scribe")).toMatchObject({ code: 0 });
  });

  it("runs a file of the server's own folder as the server read it, and refuses another file of that name with what to do", async () => {
    const name = "kept/greet";
    const own = await run(join(kept, "greet.json"));
    expect(own).toMatchObject({ code: 0, out: "Hello\n", said: expect.stringContaining('read "kept/greet" from this file') });
    const path = file("other.json", { name, nodes: [{ key: "say", kind: "transform", config: { expression: "1" } }] });
    const other = await run(path);
    expect(other).toMatchObject({ code: 1, out: "", said: expect.stringContaining("[WORKFLOW_READ_ONLY]") });
    expect(other.said).toContain(`Edit ${join(kept, "greet.json")}, then restart the server.`);
  });

  it("tells all that is wrong with a file, each with its line, and makes nothing", async () => {
    const path = join(folder, "wrong.yaml");
    const text = `name: wrong
agents:
  - { name: unmade, framework: openai }
nodes:
  - { key: a, kind: agent, config: { agent: unmade, text: x } }
  - { key: b, kind: agent, config: { agent: unknown, text: x } }
  - { key: c, kind: transform, dependsOn: [d], config: { expression: "nodes.e.output" } }
`;
    writeFileSync(path, text);
    const { code, said, out } = await run(path);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(said).toContain(`${path}:6: nodes.1.config.agent: `);
    expect(said).toContain(`${path}:7: nodes.2.dependsOn.0: `);
    expect(said).not.toContain("wrong.yaml:5");
    const { data } = await platform.execute({
      query: '{ agent(ref: { name: "unmade" }) { id } workflow(ref: { name: "wrong" }) { id } }',
      viewer: { tenantId: "default", actorId: "local", name: "Local user", roles: ["admin"] },
    });
    expect(data).toEqual({ agent: null, workflow: null });
  });

  it("prints each event as a line of JSON and nothing else, with nodes, progress and the output at the end", async () => {
    const path = small("events", [{ key: "sum", kind: "transform", config: { expression: "1 + 2" } }]);
    const ran = await run(path, "--json", "--watch");
    expect(ran.code).toBe(0);
    const all = events(ran);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1));
    expect(all).toContainEqual(expect.objectContaining({ __typename: "StepStartedEvent", nodeKey: "sum" }));
    expect(all.at(-1)).toMatchObject({ runStatus: "SUCCEEDED", output: 3 });
  });

  it("exits by how the run ended", async () => {
    const rejected = await run(small("ask", [{ key: "go", kind: "approval", config: { message: "Go?" } }]), "--approve", "none");
    expect(rejected).toMatchObject({ code: 1, out: "", said: expect.stringContaining("[NODE_FAILED]") });
    const late = await run(small("late", [{ key: "rest", kind: "wait", config: { duration: "PT1H" } }]), "--timeout", "0.1s");
    expect(late).toMatchObject({ code: 4, said: expect.stringContaining("EXPIRED") });
    const named = await run(small("named", [{ key: "say", kind: "transform", config: { expression: '"plain"' } }]));
    expect(named).toMatchObject({ code: 0, out: "plain\n" });
  });

  it.each([
    [["nowhere"], 'There is no workflow "nowhere". [NOT_FOUND]'],
    [["nowhere.yaml"], "cannot be read"],
    [["named", "--attach"], 'There is no open run of the workflow "named"'],
    [["--attach", "UnVuOjE"], "There is no run"],
    [["--input", "{"], "Name a workflow"],
    [[example, "--input", '{"subject":"looms"}'], "topic"],
  ])("exits 2 where nothing can run: %j", async (words, problem) => {
    expect(await run(...words)).toMatchObject({ code: 2, out: "", said: expect.stringContaining(problem) });
  });

  it("attaches to an open run with a snapshot, and decides what it asks", async () => {
    const path = small("open", [
      { key: "first", kind: "transform", config: { expression: "1" } },
      { key: "ask", kind: "approval", dependsOn: ["first"], config: { message: "Go on?" } },
    ]);
    const viewer = { tenantId: "default", actorId: "local", name: "Local user", roles: ["admin", "audit"] };
    await run(path, "--approve", "none");
    const started = await platform.execute({
      query: 'mutation { startRun(input: { target: { workflow: { name: "open" } } }) { __typename } }',
      viewer,
    });
    expect(started.data).toEqual({ startRun: { __typename: "StartRunPayload" } });
    const ran = await run(path, "--attach", "--json", "--approve", "all");
    expect(ran.code).toBe(0);
    const all = events(ran);
    expect(all[0]).toMatchObject({ __typename: "RunSnapshotEvent" });
    expect(all.at(-1)).toMatchObject({ runStatus: "SUCCEEDED" });
  });
});
