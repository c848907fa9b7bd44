import { afterAll, beforeAll, expect, it } from "vitest";
import { chat, memory } from "../../../../../src/plugins/index.ts";
import { openLoom, type Loom, type NodeInput } from "../loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ plugins: [chat(), memory({ embedder: "lexical-hash-384" })] });
});
afterAll(() => loom.app.close());

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const keep = (key: string, text: string, more: object = {}, rest: object = {}): NodeInput => ({
  key,
  kind: "tool",
  config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW", ...rest } },
  ...more,
});
const value = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});

const nodes = [
  keep("dye", "The dye is indigo."),
  keep("loom", "The loom is oak.", after("dye")),
  { key: "snap", kind: "tool", ...after("loom"), config: { tool: "loom.snap", arguments: { thread: "fork", times: 1 } } },
  keep(
    "other",
    "The dye is woad.",
    { ...after("snap"), when: "memory.exists(m, m.text.contains('indigo'))" },
    { replaces: "{{ nodes.dye.output.id }}" },
  ),
  value("end", "memory.map(m, m.text)", after("other")),
];

async function retry(input: object): Promise<string> {
  const { retryRun } = await loom.app.graphql<{ retryRun: { run: { id: string } } }>(
    "mutation ($input: RetryRunInput!) { retryRun(input: $input) { ... on RetryRunPayload { run { id } } } }",
    { input },
  );
  await loom.follow(retryRun.run.id);
  return retryRun.run.id;
}

const remembered = async (run: string): Promise<readonly string[]> =>
  (
    await loom.app.graphql<{ memories: { nodes: { text: string; supersededBy: object | null }[] } }>(
      "query ($scope: MemoryScopeInput) { memories(scope: $scope, first: 50) { nodes { text supersededBy { id } } } }",
      { scope: { scope: "WORKFLOW", id: run } },
    )
  ).memories.nodes
    .flatMap(({ text, supersededBy }) => (supersededBy ? [] : [text]))
    .toSorted();

it("a run that begins again at a node remembers what the first one does, in records of its own", async () => {
  const first = await loom.start(await loom.create(nodes));
  await loom.follow(first);
  expect((await loom.look(first)).status).toBe("FAILED");
  const fork = await retry({ run: first, fromNode: "snap" });
  expect(await loom.look(fork)).toMatchObject({ status: "SUCCEEDED", output: ["The loom is oak.", "The dye is woad."] });
  expect(await remembered(fork)).toEqual(["The dye is woad.", "The loom is oak."]);
  expect(await remembered(first)).toEqual(["The dye is indigo.", "The loom is oak."]);
  // What is done again says the same, and is one with what was taken over.
  const again = await retry({ run: first, fromNode: "loom" });
  expect(await loom.look(again)).toMatchObject({ status: "SUCCEEDED", output: ["The loom is oak.", "The dye is woad."] });
  const anew = await retry({ run: first });
  expect(await loom.look(anew)).toMatchObject({ status: "SUCCEEDED", output: ["The loom is oak.", "The dye is woad."] });
  expect(await remembered(anew)).toEqual(["The dye is woad.", "The loom is oak."]);
});
