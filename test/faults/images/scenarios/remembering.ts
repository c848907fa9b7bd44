import { allTexts } from "../../memory-invariants.ts";
import { expect, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { makeAgent, makeWorkflow, tool, transform } from "./flow.ts";

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const keep = (text: string, rest: object = {}): object => ({ text, scope: "WORKFLOW", ...rest });

/** Agents and nodes of one run share a memory, which conditions and settings read: wherever the process is lost, all of them see the same. */
export const remembering: Scenario = {
  name: "remembering",
  reaches: ["memory.remember-tool", "memory.forget-tool"],
  async prepare(world) {
    await makeAgent(world, "Keeper", { capabilities: ["memory.remember"], memory: { recall: true, scopes: ["WORKFLOW"] } });
    await makeWorkflow(world, "Below", [transform("seen", allTexts)]);
    await makeWorkflow(world, "Remembering", [
      tool("one", "memory.remember", keep("The dye is indigo.")),
      tool("same", "memory.remember", keep("the dye is INDIGO"), after("one")),
      tool("other", "memory.remember", keep("The dye is woad.", { replaces: "{{ nodes.one.output.id }}" }), after("same")),
      tool("wrong", "memory.remember", keep("The loom is glass."), after("other")),
      tool("forget", "memory.forget", { id: "{{ memory.filter(m, m.text.contains('glass'))[0].id }}" }, after("wrong")),
      { key: "agent", kind: "agent", ...after("forget"), config: { agent: "Keeper", text: "Remember that the loom is oak." } },
      tool(
        "note",
        "rig.pay",
        { id: "{{ memory[size(memory) - 1].text }}" },
        { ...after("agent"), when: "memory.exists(m, m.text.contains('oak'))" },
      ),
      tool("never", "rig.pay", { id: "never" }, { ...after("agent"), when: "memory.exists(m, m.text.contains('glass'))" }),
      {
        key: "fill",
        kind: "loop",
        ...after("note"),
        config: {
          while: "size(memory) < 4",
          max: 5,
          node: { kind: "tool", config: { tool: "memory.remember", arguments: keep("Thread {{ size(memory) }}.") } },
        },
      },
      { key: "below", kind: "workflow", ...after("fill"), config: { workflow: "Below", input: {} } },
      transform("seen", allTexts, after("below", "never")),
      transform("end", '{"seen": nodes.seen.output, "below": nodes.below.output, "never": nodes.never.output}', after("seen")),
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Remembering" } }, "remembering");
    const { status, failure, output } = await seeThrough(world, run);
    const seen = ["The dye is woad.", "the loom is oak.", "Thread 2.", "Thread 3."];
    expect("the end of the run", [status, failure, output], ["SUCCEEDED", null, { seen, below: seen, never: null }]);
    expect("what was paid", world.outside.count("rig.pay", "the loom is oak."), 1);
    expect("what was paid for nothing", world.outside.count("rig.pay", "never"), 0);
    const { memories } = await world.ask<{ memories: { nodes: { text: string }[] } }>(
      "query ($scope: MemoryScopeInput) { memories(scope: $scope, first: 20) { nodes { text } } }",
      { scope: { scope: "WORKFLOW", id: run } },
    );
    expect("what is remembered", memories.nodes.map(({ text }) => text).toSorted(), [...seen, "The dye is indigo."].toSorted());
  },
};
