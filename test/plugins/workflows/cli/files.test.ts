import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPlatform, type Platform } from "../../../../src/core/platform.ts";
import { agents, auth, capabilities, models, openai, simulated, workflows } from "../../../../src/plugins/index.ts";
import { root, weftline, type Ran } from "../../../cli/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-files-"));
const config = join(folder, "plugins.config.ts");
let platform: Platform;
let url: string;

beforeAll(async () => {
  const list = JSON.stringify(join(root, "src/plugins/index.ts"));
  writeFileSync(
    config,
    `import { auth, capabilities, workflows } from ${list};
     export default { plugins: [auth(), capabilities(), workflows()], dataDir: ${JSON.stringify(join(folder, "own"))}, logLevel: "silent" };`,
  );
  platform = await createPlatform({
    plugins: [auth(), models(), simulated(), capabilities(), openai(), agents(), workflows()],
    dataDir: join(folder, "server"),
    logLevel: "silent",
  });
  url = (await platform.listen({ port: 0 })).url;
});
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string | Uint8Array): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const run = (...words: string[]): Promise<Ran> => weftline("run", ...words, "--url", url, "--config", config);
const node = '  - { key: a, kind: transform, config: { expression: "1" } }\n';

describe("weftline run of a file", () => {
  it("tells with its line that no plugin provides the memory that an expression reads", async () => {
    const text = `name: memory
nodes:
  - key: a
    kind: transform
    config: { expression: "1" }
    when: size(memory) > 0
`;
    const path = file("memory.yaml", text);
    const { code, said } = await run(path);
    expect(code).toBe(2);
    expect(said).toMatch(/memory\.yaml:6: nodes\.0\.when: "memory" is not known here: no plugin provides it/);
  });

  it("tells members that are misspelled or of the wrong type with their lines, beside all else that is wrong", async () => {
    const path = file(
      "misspelled.yaml",
      `name: misspelled
descripton: x
description: 5
nodes:
  - { key: a, kind: transform, config: { expression: "1" }, dependson: [b] }
  - { key: b, kind: transform, config: { expression: "input +" }, timeout: never, retry: { attempts: many } }
  - { key: c, kind: transfrom, join: SOME }
`,
    );
    const { code, said, out } = await run(path);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    const places = said
      .trimEnd()
      .split("\n")
      .map((line) => /:(\d+: [\w.]+):/.exec(line)?.[1]);
    expect(places.toSorted()).toEqual(
      [
        "2: descripton",
        "3: description",
        "5: nodes.0.dependson",
        "6: nodes.1.timeout",
        "6: nodes.1.retry.attempts",
        "6: nodes.1.config.expression",
        "7: nodes.2.join",
        "7: nodes.2.kind",
      ].toSorted(),
    );
  });

  it("tells nodes that are none, and agents that cannot be made, with their lines", async () => {
    const nodes = await run(file("nodes.yaml", `name: nodes\nnodes:\n  - just a text\n  - { key: a }\n`));
    expect(nodes).toMatchObject({ code: 2, said: expect.stringMatching(/:3: nodes\.0: A node is an object\.\n.*:4: nodes\.1\.kind: /) });
    const brought = `name: brought\nagents:\n  - { name: zoe, framwork: openai }\nnodes:\n  - { key: a, kind: agent, config: { agent: zoe, text: x } }\n`;
    expect(await run(file("brought.yaml", brought))).toMatchObject({
      code: 2,
      said: expect.stringMatching(/brought\.yaml:3: agents\.0: .*framework/),
    });
  });

  it.each([
    ["latin.yaml", Buffer.from(`name: caf\xE9\nnodes:\n${node}`, "latin1"), "it is not UTF-8"],
    ["utf16.yaml", Buffer.from(`name: a\nnodes:\n${node}`, "utf16le"), /A file holds one workflow|it is not UTF-8/],
    ["two.yaml", `name: a\nnodes:\n${node}---\nname: b\nnodes:\n${node}`, "two.yaml:4: A file holds one workflow: move what follows"],
    ["deep.yaml", `name: a\nnodes: ${"[".repeat(8_000)}${"]".repeat(8_000)}\n`, "This is nested too deeply."],
    ["infinite.yaml", `name: a\nnodes:\n  - { key: a, kind: transform, config: { limit: .inf } }\n`, '"limit" is Infinity'],
    ["gone.yaml", undefined, "it does not exist."],
  ])("refuses what it cannot read as it was meant: %s", async (name, text, problem) => {
    const path = text === undefined ? join(folder, name) : file(name, text);
    const said = typeof problem === "string" ? expect.stringContaining(problem) : expect.stringMatching(problem);
    expect(await run(path)).toMatchObject({ code: 2, out: "", said });
    expect((await weftline("workflows", "diagram", path, "--config", config)).said).toMatch(problem);
  });

  it("takes a mark of the byte order as no part of the text, and of an input neither", async () => {
    const path = file("marked.json", `\uFEFF{"name":"marked","nodes":[{"key":"a","kind":"transform","config":{"expression":"input"}}]}`);
    const input = file("marked-input.json", '\uFEFF"plain"');
    expect(await run(path, "--input", `@${input}`)).toMatchObject({ code: 0, out: "plain\n" });
  });
});

it("weftline run refuses an input that is not UTF-8 or nests too deep with exit code 2", async () => {
  const path = file("echo.json", '{"name":"echo","nodes":[{"key":"a","kind":"transform","config":{"expression":"input"}}]}');
  const latin = file("latin.json", Buffer.from('"caf\xE9"', "latin1"));
  expect(await run(path, "--input", `@${latin}`)).toMatchObject({ code: 2, out: "", said: expect.stringContaining("is not UTF-8") });
  const deep = await run(path, "--input", `${"[".repeat(200)}${"]".repeat(200)}`);
  expect(deep).toMatchObject({ code: 2, out: "", said: expect.stringMatching(/✗ input: A JSON value nests at most 100 deep\./) });
});

it("a stored workflow that is called as a folder runs by its name", async () => {
  const name = join(folder, "reports");
  mkdirSync(name);
  const { data } = await platform.execute({
    query: "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }",
    variables: { input: { name, nodes: [{ key: "a", kind: "transform", config: { expression: '"ran"' } }] } },
    viewer: { tenantId: "default", actorId: "local", name: "Local user", roles: ["admin"] },
  });
  expect(data).toEqual({ createWorkflow: { __typename: "CreateWorkflowPayload" } });
  expect(await run(name)).toMatchObject({ code: 0, out: "ran\n" });
});
