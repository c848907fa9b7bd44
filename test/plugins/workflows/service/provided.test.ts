import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { defineWorkflow, workflowDefinitions } from "#plugins/workflows";
import {
  ada,
  counts,
  made,
  mutations,
  root,
  stranger,
  transform,
  workflowFields,
  workflowsPlatform,
  type WorkflowData,
} from "./fixture.ts";

const base = mkdtempSync(join(tmpdir(), "weftline-workflows-"));
afterAll(() => rmSync(base, { recursive: true }));

let folder: string;
let dataDir: string;
let count = 0;
beforeEach(() => {
  folder = mkdtempSync(join(base, `${++count}-files-`));
  dataDir = mkdtempSync(join(base, `${count}-data-`));
});

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
const yaml = (name: string, expression: string, more = ""): string => `
name: ${name}
description: From a file.
${more}
nodes:
  - key: a
    kind: transform
    config: { expression: "${expression}" }
    retry: { attempts: 2, delay: PT2S }
`;
const boot = (more?: NonNullable<Parameters<typeof workflowsPlatform>[0]>["more"]) =>
  workflowsPlatform({ folder, dataDir, ...(more ? { more } : {}) });

const find = async (app: Awaited<ReturnType<typeof boot>>, name: string, viewer = ada): Promise<WorkflowData | null> =>
  (
    await app.graphql<{ workflow: WorkflowData | null }>(
      `query ($name: String!) { workflow(ref: { name: $name }) { ${workflowFields} } }`,
      { name },
      viewer,
    )
  ).workflow;

const names = async (app: Awaited<ReturnType<typeof boot>>, viewer = ada): Promise<string[]> =>
  (await app.graphql<{ workflows: { nodes: { name: string }[] } }>("{ workflows { nodes { name } } }", {}, viewer)).workflows.nodes
    .map(({ name }) => name)
    .toSorted();

const digest = defineWorkflow({ name: "digest", nodes: { a: { kind: "transform", config: { expression: "1" } } } });
const library = definePlugin({ id: "library", contributes: [contribution(workflowDefinitions, digest.name, digest)] });

test("workflows of files and plugins are there in every tenant, owned by the platform", async () => {
  write("one.yaml", yaml("one", "1"));
  write("two.json", JSON.stringify({ name: "two", nodes: [transform("b", "2")] }));
  await using app = await boot([library()]);
  for (const viewer of [ada, stranger]) {
    expect(await names(app, viewer)).toEqual(["digest", "one", "two"]);
    expect(await find(app, "one", viewer)).toMatchObject({
      version: 1,
      description: "From a file.",
      origin: join(folder, "one.yaml"),
      archived: false,
      owner: { name: "Weftline", self: false, kind: "SYSTEM" },
      nodes: [{ key: "a", config: { expression: "1" }, retry: { attempts: 2, delay: "PT2S", factor: 2, jitter: true } }],
    });
  }
  expect(await find(app, "digest")).toMatchObject({ origin: 'the plugin "library"' });
  expect(await counts(app)).toMatchObject({ workflows: 6, versions: 6 });
});

test("no viewer changes them, not even an admin: the error says which file to edit", async () => {
  write("one.yaml", yaml("one", "1"));
  await using app = await boot();
  const graph = mutations(app);
  const { id } = (await find(app, "one")) as WorkflowData;
  const before = await counts(app);
  for (const attempt of [
    () => graph.update({ workflow: { id }, description: "Mine." }, root),
    () => graph.update({ workflow: { name: "one" }, nodes: [transform("a", "2")] }, root),
    () => graph.update({ workflow: { id }, archived: true }, ada),
    () => graph.archive({ id }, root),
    () => graph.restore({ id }, 1, root),
  ])
    expect(await attempt()).toMatchObject({
      __typename: "ForbiddenError",
      code: "WORKFLOW_READ_ONLY",
      fix: expect.stringContaining(`Edit ${join(folder, "one.yaml")}`),
    });
  expect(await graph.create({ name: "one", nodes: [transform("a", "1")] })).toMatchObject({ code: "CONFLICT" });
  expect(await counts(app)).toEqual(before);
});

test("another content is a new version, the same one is none; a file that is gone is archived, and back when it returns", async () => {
  write("one.yaml", yaml("one", "1"));
  write("two.yaml", yaml("two", "2"));
  const state = async (): Promise<unknown> => {
    await using app = await boot();
    const found = await Promise.all(["one", "two"].map((name) => find(app, name)));
    return found.map((each) => each && [each.version, each.archived, each.description]);
  };
  expect(await state()).toEqual([
    [1, false, "From a file."],
    [1, false, "From a file."],
  ]);
  write("one.yaml", `# A comment.\n${yaml("one", "1").replace("From a file.", "Said better.")}`);
  expect(await state()).toEqual([
    [1, false, "Said better."],
    [1, false, "From a file."],
  ]);
  write("one.yaml", yaml("one", "1 + 1"));
  rmSync(join(folder, "two.yaml"));
  expect(await state()).toEqual([
    [2, false, "From a file."],
    [1, true, "From a file."],
  ]);
  write("two.yaml", yaml("two", "2"));
  expect(await state()).toEqual([
    [2, false, "From a file."],
    [1, false, "From a file."],
  ]);
});

test("a tenant's own workflow keeps its name, and the one of a file is left out there", async () => {
  {
    await using app = await boot();
    made(await mutations(app).create({ name: "one", nodes: [transform("mine", "1")] }));
  }
  write("one.yaml", yaml("one", "2"));
  await using app = await boot();
  expect(await find(app, "one")).toMatchObject({ origin: null, version: 1, nodes: [{ key: "mine" }] });
  expect(await find(app, "one", stranger)).toMatchObject({ origin: join(folder, "one.yaml"), nodes: [{ key: "a" }] });
});

test("what is not valid fails the boot with one report: each file or plugin, line and path", async () => {
  write("broken.yaml", "name: broken\nnodes: [\n");
  write("cycle.yaml", `name: cycle\nnodes:\n  - { key: a, kind: transform, dependsOn: [a], config: { expression: "1" } }\n`);
  write("typo.yaml", yaml("typo", "inptu.x", "extra: 1"));
  write("twin-a.yaml", yaml("twin", "1"));
  write("twin-b.yaml", yaml("twin", "1"));
  write("fine.yaml", `name: fine\nnodes:\n  - { key: sub, kind: workflow, config: { workflow: twin } }\n`);
  const bad = { name: "bad", description: "", nodes: [{ key: "t", kind: "tool", config: { tool: "no.tool" } }] };
  const faulty = definePlugin({ id: "faulty", contributes: [contribution(workflowDefinitions, bad.name, bad)] });
  const error = await boot([faulty()]).catch((thrown: unknown) => thrown as Error);
  const report = (error as Error).message;
  expect(report).toContain("[WORKFLOWS_INVALID]");
  for (const place of [
    /broken\.yaml:\d+: /,
    /cycle\.yaml:3: nodes\.0\.dependsOn/,
    /typo\.yaml:4: extra: /,
    /typo\.yaml:8: nodes\.0\.config\.expression: /,
    /twin-b\.yaml:2: name: The name "twin" is already used by .*twin-a\.yaml\./,
    /the plugin "faulty": nodes\.0\.config\.tool: /,
  ])
    expect(report).toMatch(place);
  expect(report).not.toContain("fine.yaml");
  expect(report).toContain("weftline workflows validate");
});

test("a folder that is not there fails the boot", async () => {
  rmSync(folder, { recursive: true });
  const error = await boot().catch((thrown: unknown) => thrown as Error);
  expect((error as Error).message).toMatch(/\[WORKFLOWS_INVALID\][^]*The folder cannot be read/);
});
