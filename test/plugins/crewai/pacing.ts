import { expect, vi } from "vitest";
import type { PluginEntry } from "../../../src/core/kernel/spec.ts";
import { testModel } from "./model.ts";
import { ended, Theatre } from "./play.ts";

const speaker = (role: string, more: object = {}) => ({ role, goal: "Speak", backstory: "Loud.", ...more });
const task = (name: string, agent: string) => ({ name, description: `Say ${name}.`, expected_output: "A word.", agent });

const customs = `query ($id: ID!) { run(id: $id) { events { ... on CustomEvent { name data } } } }`;

/** What has to hold of `max_rpm`, on every engine: a crew or an agent that may ask once a minute, and asks twice. */
export const paces: Readonly<Record<string, (plugin: () => PluginEntry) => Promise<void>>> = {
  "a crew that may ask a model once a minute waits, says so, and is cancelled at once": async (plugin) => {
    const agents = { first: speaker("First"), second: speaker("Second") };
    await cancelledWhileItWaits(plugin, { agents, max_rpm: 1, tasks: [task("one", "first"), task("two", "second")] }, "Second", ["First"]);
  },
  "an agent that may ask a model once a minute waits, and the others do not": async (plugin) => {
    const agents = { first: speaker("First", { max_rpm: 1 }), second: speaker("Second") };
    const tasks = [task("one", "first"), task("two", "second"), task("three", "second"), task("four", "first")];
    await cancelledWhileItWaits(plugin, { agents, tasks }, "First", ["First", "Second", "Second"]);
  },
};

async function cancelledWhileItWaits(plugin: () => PluginEntry, crew: object, who: string, asked: readonly string[]): Promise<void> {
  await using provider = await testModel(({ role }) => `${role} said.`);
  await using theatre = await Theatre.open(plugin(), provider.baseURL);
  await theatre.agent("crew", { crew });
  const id = await theatre.start("crew", { text: "Go." });
  const waiting = await vi.waitFor(
    async () => {
      const { run } = await theatre.app.graphql<{ run: { events: { name?: string; data?: unknown }[] } }>(customs, { id });
      const found = run.events.find(({ name }) => name === "crewai.paced");
      if (!found) throw new Error("It does not say that it waits.");
      return found.data as { readonly agent: string; readonly ms: number };
    },
    { timeout: 60_000, interval: 20 },
  );
  expect(waiting.agent).toBe(who);
  expect(waiting.ms).toBeGreaterThan(30_000);
  expect(provider.asked.map(({ role }) => role)).toEqual(asked);
  await theatre.app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
  expect((await theatre.until(id, ended)).status).toBe("CANCELLED");
  expect(provider.asked).toHaveLength(asked.length);
  await theatre.log(id);
}
