import { afterAll, beforeAll, expect, test } from "vitest";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestPlatform } from "../../../../src/testing/index.ts";
import { ada, made, mutations, transform, workflowsPlatform } from "./fixture.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await workflowsPlatform();
});
afterAll(() => app.close());

const closed = (properties: object) => ({ type: "object", properties, required: Object.keys(properties), additionalProperties: false });
const book = closed({ title: { type: "string" } });
const ask = (key: string, more: object = {}) => ({ key, kind: "input", config: { message: "Which?", responseSchema: book }, ...more });

let count = 0;
async function create(nodes: readonly object[]): Promise<string> {
  const name = `part ${++count}`;
  made(await mutations(app).create({ name, nodes }));
  return name;
}

/** What is wrong with an expression that reads what a workflow gives. */
async function problemsWith(workflow: string, expression: string): Promise<string[]> {
  const nodes = [{ key: "w", kind: "workflow", config: { workflow } }, transform("t", expression, { dependsOn: ["w"] })];
  const { issues } = await app.graphql<{ issues: { path: string[]; message: string }[] }>(
    "query ($input: CreateWorkflowInput!) { issues: validateWorkflow(input: $input) { path message } }",
    { input: { name: "outer", nodes } },
    ada,
  );
  return issues.map(({ path }) => path.join("."));
}

const wrong = ["input.nodes.1.config.expression"];

test("what a workflow gives is known from its last nodes, where another one reads it", async () => {
  const single = await create([ask("a"), ask("b", { dependsOn: ["a"] })]);
  expect(await problemsWith(single, "nodes.w.output.title")).toEqual([]);
  expect(await problemsWith(single, "nodes.w.output.titel")).toEqual(wrong);

  const several = await create([ask("a"), ask("b")]);
  expect(await problemsWith(several, "nodes.w.output.a.title + nodes.w.output.b.title")).toEqual([]);
  expect(await problemsWith(several, "nodes.w.output.c")).toEqual(wrong);
  expect(await problemsWith(several, "nodes.w.output.a.titel")).toEqual(wrong);

  const inner = { kind: "input", config: { message: "Which?", responseSchema: book } };
  const many = await create([{ key: "m", kind: "map", config: { over: "input.list", node: inner } }]);
  expect(await problemsWith(many, "nodes.w.output[0].title")).toEqual([]);
  expect(await problemsWith(many, "nodes.w.output.title")).toEqual(wrong);

  const around = await create([{ key: "w", kind: "workflow", config: { workflow: single } }]);
  expect(await problemsWith(around, "nodes.w.output.titel"), "of a workflow that a workflow starts").toEqual(wrong);
});

test("what only a run knows is of any type: what is skipped or taken over for, an expression, a workflow in itself", async () => {
  const skipped = await create([ask("a", { when: "input.a" }), ask("b")]);
  const routed = await create([ask("a", { onError: "ROUTE", errorNode: "r" }), transform("r", "1")]);
  const computed = await create([transform("a", "input")]);
  for (const each of [skipped, routed, computed]) expect(await problemsWith(each, "nodes.w.output.anything")).toEqual([]);

  const name = `part ${++count}`;
  const { id } = made(await mutations(app).create({ name, nodes: [transform("a", "1")] }));
  const itself = [{ key: "w", kind: "workflow", config: { workflow: name } }];
  made(await mutations(app).update({ workflow: { id }, nodes: itself }));
  expect(await problemsWith(name, "nodes.w.output.anything")).toEqual([]);
});

test("a workflow is looked at once, however many nodes name it, also those of others that name it", async () => {
  const times = (node: (key: string) => object) => create(Array.from({ length: 300 }, (_, at) => node(`n${at}`)));
  const starting = (workflow: string) => times((key) => ({ key, kind: "workflow", config: { workflow } }));
  const outer = await starting(await starting(await times((key) => transform(key, "1"))));
  expect(await problemsWith(outer, "nodes.w.output")).toEqual([]);
});

test("workflows of files know of each other what they give", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weftline-outputs-"));
  const given = JSON.stringify({ message: "Which?", responseSchema: book });
  writeFileSync(join(folder, "inner.yaml"), `name: inner\nnodes: [{ key: a, kind: input, config: ${given} }]\n`);
  const outer = (member: string): string =>
    `name: outer\nnodes:\n  - { key: w, kind: workflow, config: { workflow: inner } }\n  - { key: t, kind: transform, dependsOn: [w], config: { expression: nodes.w.output.${member} } }\n`;
  writeFileSync(join(folder, "outer.yaml"), outer("titel"));
  await expect(workflowsPlatform({ folder })).rejects.toThrow(/outer\.yaml:4.*titel/s);
  writeFileSync(join(folder, "outer.yaml"), outer("title"));
  await (await workflowsPlatform({ folder })).close();
  rmSync(folder, { recursive: true });
});
