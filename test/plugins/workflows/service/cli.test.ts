import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WeftlineConfig } from "#weftline";
import { createPlatform } from "../../../../src/core/platform.ts";
import { root as project, weftline } from "../../../cli/terminal.ts";
import { transform } from "./fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-workflows-cli-"));
const config = join(folder, "plugins.config.ts");
const file = (name: string): string => join(folder, name);
let serving: Awaited<ReturnType<typeof createPlatform>>;

beforeAll(async () => {
  const plugins = JSON.stringify(join(project, "src/plugins/index.ts"));
  writeFileSync(
    config,
    `import { agents, capabilities, workflows } from ${plugins};
export default { plugins: [capabilities(), agents(), workflows()], dataDir: ${JSON.stringify(join(folder, "data"))}, logLevel: "silent" };\n`,
  );
  writeFileSync(
    file("good.yaml"),
    `name: good\nnodes:\n  - { key: end, kind: transform, config: { expression: "1" } }\n  - { key: next, kind: transform, dependsOn: [end], config: { expression: "nodes.end.output" } }\n`,
  );
  writeFileSync(
    file("bad.yaml"),
    `name: bad\nnodes:\n  - key: a\n    kind: spin\n  - key: b\n    kind: transform\n    config: { expression: "1 +" }\n`,
  );
  serving = await createPlatform(((await import(pathToFileURL(config).href)) as { default: WeftlineConfig }).default);
  const scope = { viewer: { tenantId: "default", actorId: "ada", name: "ada", roles: [] } };
  const document = `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { ... on CreateWorkflowPayload { workflow { id } } } }`;
  for (const name of ["Weave", "Spin"]) {
    const input = { name, description: "First line.\nSecond line.", nodes: [transform("a", "1")] };
    await serving.execute({ query: document, variables: { input }, ...scope });
  }
});
afterAll(async () => {
  await serving.close();
  rmSync(folder, { recursive: true });
});

test("workflows list reads the database beside a running server", async () => {
  const { code, out } = await weftline("workflows", "list", "--config", config);
  expect([code, out]).toEqual([0, "Spin   v1  API  First line.\nWeave  v1  API  First line.\n"]);
  const listed = await weftline("workflows", "list", "--search", "weave", "--json", "--config", config);
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.out)).toEqual([
    { name: "Weave", description: "First line.\nSecond line.", version: 1, archived: false, origin: null, updatedAt: expect.any(String) },
  ]);
  for (const [more, said] of [
    [["--archived"], "There are no such workflows in the database."],
    [["--tenant", "elsewhere"], "There are no workflows in the database yet."],
  ] as const)
    expect(await weftline("workflows", "list", ...more, "--config", config)).toEqual({
      code: 0,
      out: "",
      said: expect.stringContaining(said),
    });
});

test("workflows validate names every problem with file, line and path, and exits 1; it needs no server and disturbs none", async () => {
  const good = await weftline("workflows", "validate", file("good.yaml"), "--config", config);
  expect(good).toMatchObject({ code: 0, out: `${file("good.yaml")}: "good" is valid (2 nodes)\n` });
  const { code, out } = await weftline("workflows", "validate", file("good.yaml"), file("bad.yaml"), file("gone.yaml"), "--config", config);
  expect(code).toBe(1);
  expect(out).toMatch(/good\.yaml: "good" is valid/);
  expect(out).toMatch(/bad\.yaml:4: nodes\.0\.kind: /);
  expect(out).toMatch(/bad\.yaml:7: nodes\.1\.config\.expression: /);
  expect(out).toMatch(/gone\.yaml: The file cannot be read/);
  const json = await weftline("workflows", "validate", file("good.yaml"), file("bad.yaml"), "--json", "--config", config);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toEqual({
    valid: [{ file: file("good.yaml"), name: "good", nodes: 2 }],
    problems: expect.arrayContaining([{ file: file("bad.yaml"), line: 4, path: ["nodes", "0", "kind"], message: expect.any(String) }]),
  });
  expect(await weftline("workflows", "validate", "--config", config)).toMatchObject({ code: 2 });
});

test("workflows diagram draws a file or a workflow of the database as Mermaid", async () => {
  const ofFile = await weftline("workflows", "diagram", file("good.yaml"), "--config", config);
  expect(ofFile).toMatchObject({ code: 0, out: expect.stringMatching(/^flowchart TD\n[^]*-->/) });
  expect((await weftline("workflows", "diagram", "Weave", "--config", config)).out).toMatch(/^flowchart TD\n/);
  const json = await weftline("workflows", "diagram", file("good.yaml"), "--json", "--config", config);
  expect(JSON.parse(json.out)).toMatchObject({ nodes: [{ key: "end" }, { key: "next" }], dependencies: [{ from: "end", to: "next" }] });
  expect(await weftline("workflows", "diagram", "Nothing", "--config", config)).toMatchObject({ code: 1, out: "" });
  writeFileSync(file("shape.yaml"), "name: shape\nnodes: 3\n");
  const shape = await weftline("workflows", "diagram", file("shape.yaml"), "--config", config);
  expect(shape).toMatchObject({ code: 1, said: expect.stringContaining("shape.yaml") });
});
