import { expect, vi } from "vitest";
import type { PluginEntry } from "../../../src/core/kernel/spec.ts";
import { testModel, type Asked } from "./model.ts";
import { ended, Theatre } from "./play.ts";

const researcher = { role: "Researcher", goal: "Find out", backstory: "You dig deep." };
const writer = { role: "Writer", goal: "Write well", backstory: "You are terse." };
const research = { name: "research", description: "Research looms.", expected_output: "Facts.", agent: "researcher" };
const write = { name: "write", description: "Write a report.", expected_output: "A report.", agent: "writer" };

const rolesOf = (asked: readonly Asked[]): string[] => asked.map(({ role }) => role);

/** What has to hold of a run that goes on in another turn, on every engine. Each boots the host anew in between. */
export const waits: Readonly<Record<string, (plugin: () => PluginEntry) => Promise<void>>> = {
  "a call that waits for leave is made once, and no task and no model is asked again": async (plugin) => {
    await using provider = await testModel(({ role, results, tools }) => {
      if (role === "Researcher") return "Facts.";
      return results.length > 0 ? `It went: ${results[0]}` : { calls: [{ name: tools[0] ?? "", arguments: { text: "report" } }] };
    });
    await using theatre = await Theatre.open(plugin(), provider.baseURL);
    await theatre.agent("crew", {
      crew: { agents: { researcher, writer: { ...writer, tools: ["test.send"] } }, tasks: [research, write] },
    });
    const id = await theatre.start("crew", { text: "Go." });
    const question = await theatre.question(id);
    expect(question).toMatchObject({ kind: "TOOL_APPROVAL" });
    expect(rolesOf(provider.asked)).toEqual(["Researcher", "Writer"]);
    await theatre.app.restart();
    await theatre.decide(question, { kind: "APPROVE" });
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", 'It went: {"sent":"report"}']);
    expect(rolesOf(provider.asked)).toEqual(["Researcher", "Writer", "Writer"]);
    expect(theatre.effects).toEqual(["test.send report"]);
    await theatre.log(id);
  },

  "a person who is not content is asked again, and then taken at their word": async (plugin) => {
    await using provider = await testModel(({ last }) => (last.includes("shorter") ? "Short." : "A long report."));
    await using theatre = await Theatre.open(plugin(), provider.baseURL);
    await theatre.agent("crew", { crew: { agents: { writer }, tasks: [{ ...write, human_input: true }] } });
    const id = await theatre.start("crew", { text: "Go." });
    const first = await theatre.question(id);
    expect(first).toMatchObject({ kind: "REVIEW", message: expect.stringContaining('the task "write"') });
    await theatre.app.restart();
    await theatre.decide(first, { kind: "REJECT", reason: "Make it shorter." });
    const second = await theatre.question(id);
    expect(second.id).not.toBe(first.id);
    await theatre.decide(second, { kind: "EDIT", arguments: { output: "Shortest." } });
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "Shortest."]);
    expect(provider.asked).toHaveLength(2);
    await theatre.log(id);
  },

  "a host that closes lets a model answer, asks no other, and the next one goes on from there": async (plugin) => {
    let closing = false;
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    await using provider = await testModel(async ({ role }) => {
      if (role === "Researcher") await held;
      else if (closing) await new Promise(() => undefined);
      return role === "Researcher" ? "Facts." : "A report.";
    });
    await using theatre = await Theatre.open(plugin(), provider.baseURL);
    await theatre.agent("crew", { crew: { agents: { researcher, writer }, tasks: [research, write] } });
    const id = await theatre.start("crew", { text: "Go." });
    await vi.waitFor(() => expect(rolesOf(provider.asked)).toEqual(["Researcher"]), { timeout: 60_000, interval: 20 });
    closing = true;
    const restarted = theatre.app.restart();
    await new Promise((resolve) => setTimeout(resolve, 200));
    letGo();
    await restarted;
    closing = false;
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "A report."]);
    expect(rolesOf(provider.asked)).toEqual(["Researcher", "Writer"]);
    await theatre.log(id);
  },

  "what stands beside a task that waits is done, and not done again": async (plugin) => {
    await using provider = await testModel(({ role, results, tools }) => {
      if (role === "Researcher") return "Facts.";
      return results.length > 0 ? "Sent." : { calls: [{ name: tools[0] ?? "", arguments: { text: "report" } }] };
    });
    await using theatre = await Theatre.open(plugin(), provider.baseURL);
    const agents = { researcher, writer: { ...writer, tools: ["test.send"] } };
    const tasks = [
      { ...research, async_execution: true },
      { ...write, async_execution: true },
      { ...research, name: "end", context: ["research", "write"] },
    ];
    await theatre.agent("crew", { crew: { agents, tasks } });
    const id = await theatre.start("crew", { text: "Go." });
    const question = await theatre.question(id);
    await theatre.decide(question, { kind: "REJECT", reason: "No." });
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "Facts."]);
    expect(rolesOf(provider.asked).toSorted()).toEqual(["Researcher", "Researcher", "Writer", "Writer"]);
    expect(theatre.effects).toEqual([]);
    await theatre.log(id);
  },
};
