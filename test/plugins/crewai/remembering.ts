import { expect } from "vitest";
import type { PluginEntry } from "../../../src/core/kernel/spec.ts";
import { scriptMemory } from "../../../src/testing/index.ts";
import { testModel } from "./model.ts";
import { ended, Theatre } from "./play.ts";

const text = "The user keeps {17} looms.";
const researcher = { role: "Researcher", goal: "Find out", backstory: "You dig deep." };
const writer = { role: "Writer", goal: "Write well", backstory: "You are terse." };
const report = { name: "report", description: "Report on looms.", expected_output: "A report." };

const crews = {
  sequential: {
    agents: { researcher, writer },
    tasks: [
      { ...report, name: "research", agent: "researcher" },
      { ...report, agent: "writer" },
    ],
  },
  "hierarchical, with a manager of its own": {
    agents: { writer, boss: { role: "Boss", goal: "Lead", backstory: "You lead.", allow_delegation: true } },
    process: "hierarchical",
    manager_agent: "boss",
    tasks: [report],
  },
  "hierarchical, with the manager that is made for it": { agents: { writer }, process: "hierarchical", tasks: [report] },
};

/** Every model of a crew that works is shown what was recalled, once in each call, on every engine. */
export const remembers = Object.entries(crews).map(([name, crew]) => ({
  name,
  holds: (plugin: PluginEntry) => remembersOf(crew, plugin),
}));

async function remembersOf(crew: object, plugin: PluginEntry): Promise<void> {
  await using provider = await testModel(({ role, results, tools }) => {
    const delegate = tools.find((tool) => /^delegate_work/i.test(tool));
    if (role === "Writer" || role === "Researcher" || results.length > 0 || delegate === undefined) return "A report.";
    return { calls: [{ name: delegate, arguments: { task: "Write it.", context: "all", coworker: "Writer" } }] };
  });
  const memory = scriptMemory({ recall: () => [{ id: "1", scope: "USER", text, score: 1 }] });
  await using theatre = await Theatre.open([plugin, memory], provider.baseURL);
  await theatre.agent("crew", { crew }, { memory: { recall: true, scopes: ["USER"] } });
  const run = await theatre.until(await theatre.start("crew", { text: "Go." }), ended);
  expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "A report."]);
  const bodies = provider.server.seen.map(({ body }) => JSON.stringify(body["messages"]));
  expect(bodies.length).toBe("process" in crew ? 3 : 2);
  expect(bodies.map((body) => body.split("keeps {17} looms").length - 1)).toEqual(bodies.map(() => 1));
}
