import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { chat, memory } from "../../../../../src/plugins/index.ts";
import { openLoom, type Loom, type NodeInput } from "../loom.ts";

const open = (dataDir: string): Promise<Loom> => openLoom({ dataDir, plugins: [chat(), memory({ embedder: "lexical-hash-384" })] });

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const keep = (key: string, text: string, more: object = {}): NodeInput => ({
  key,
  kind: "tool",
  config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW" } },
  ...more,
});

async function remember(loom: Loom, run: string, text: string): Promise<void> {
  const { remember: outcome } = await loom.app.graphql<{ remember: { __typename: string } }>(
    "mutation ($input: RememberInput!) { remember(input: $input) { __typename ... on UserError { message } } }",
    { input: { text, scope: { scope: "WORKFLOW", id: run } } },
  );
  expect(outcome.__typename).toBe("RememberPayload");
}

const signal = (loom: Loom, run: string, name: string) =>
  loom.app.graphql("mutation ($run: ID!, $name: String!) { signalRun(run: $run, name: $name) { __typename } }", { run, name });

it("a node that waits goes on with what it saw of the memory, whatever was remembered and forgotten before the next process", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weftline-"));
  const first = await open(dataDir);
  const wait = (key: string, config: object): NodeInput => ({ key, kind: "wait", ...after("a"), config });
  const run = await first.start(
    await first.create([
      keep("a", "go"),
      wait("named", { signal: "{{ memory[size(memory) - 1].text }}" }),
      {
        key: "each",
        kind: "map",
        ...after("a"),
        config: { over: "memory", node: { kind: "wait", config: { signal: "{{ item.text + string(size(memory)) }}" } } },
      },
      {
        key: "round",
        kind: "loop",
        ...after("a"),
        config: { while: "index == 0 && size(memory) == 1", max: 3, node: { kind: "wait", config: { signal: "round{{ size(memory) }}" } } },
      },
      { key: "end", kind: "transform", ...after("named", "each", "round"), config: { expression: "memory.map(m, m.text)" } },
    ]),
  );
  await first.follow(run, ({ runStatus }) => runStatus === "WAITING");
  await first.app.close();

  const next = await open(dataDir);
  await remember(next, run, "stop");
  for (const name of ["go", "go1", "round1"]) await signal(next, run, name);
  await next.follow(run);
  const seen = await next.look(run);
  expect(seen).toMatchObject({ status: "SUCCEEDED", output: ["go", "stop"] });
  const reads = seen.steps.filter(({ kind }) => kind === "MEMORY");
  expect(reads.map(({ key, status }) => `${key} ${status}`).toSorted()).toEqual([
    "memory/each SUCCEEDED",
    "memory/end SUCCEEDED",
    "memory/named SUCCEEDED",
    "memory/round/0 SUCCEEDED",
    "memory/round/1 SUCCEEDED",
  ]);
  await next.app.close();
});
