import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { testModel, type Asked, type Said, type TestModel } from "../plugins/crewai/model.ts";
import { ended, Theatre } from "../plugins/crewai/play.ts";
import { processes } from "./processes.ts";
import { pythonCrewai } from "./python.ts";

/** Processes that another file in this worker left. */
let others: readonly number[] = [];
const ours = (): number[] => processes.below(process.pid).filter((pid) => !others.includes(pid));

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => /^weftline-crew-\w{6}$/.test(name));

describe("the process of a run", () => {
  let provider: TestModel;
  let theatre: Theatre;
  let answer: (asked: Asked) => Said | Promise<Said> = () => "Said.";
  beforeAll(async () => {
    others = processes.below(process.pid);
    // Others leave their folders elsewhere at the same time.
    vi.stubEnv("TMPDIR", mkdtempSync(join(tmpdir(), "weftline-worker-test-")));
    vi.stubEnv("OPENAI_API_KEY", "sk-of-the-server-0123456789");
    provider = await testModel((asked) => answer(asked));
    theatre = await Theatre.open(pythonCrewai(), provider.baseURL);
    const speaker = (role: string) => ({ role, goal: "Speak", backstory: "Loud." });
    const task = (agent: string) => ({ name: agent, description: `Say ${agent}.`, expected_output: "A word.", agent });
    await theatre.agent("crew", {
      crew: { agents: { first: speaker("First"), second: speaker("Second") }, tasks: [task("first"), task("second")] },
    });
  });
  afterAll(async () => {
    await theatre[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    assert.deepEqual([ours(), folders()], [[], []], "nothing stays behind");
    rmSync(tmpdir(), { recursive: true });
    vi.unstubAllEnvs();
  });

  /** A run that stays at its second task until it is let go on. */
  async function heldRun() {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    answer = async ({ role }) => {
      if (role === "Second") {
        reach();
        await held;
      }
      return `${role} said.`;
    };
    const id = await theatre.start("crew", { text: "Go." });
    await Promise.race([reached, theatre.until(id, ended)]);
    return { id, letGo, pid: ours().at(-1) ?? 0, before: provider.asked.length };
  }

  it("has no key and nothing of the server's environment, and talks to nobody over the network", async () => {
    const { id, letGo, pid } = await heldRun();
    const [loader = 0] = ours();
    expect(pid).not.toBe(loader);
    expect(processes.threads(loader), "forking is safe only without threads").toBe(1);
    for (const each of [loader, pid]) {
      expect(processes.environment(each)).not.toContain("sk-");
      expect(processes.environment(each)).toContain("CREWAI_DISABLE_TELEMETRY=true");
      expect(processes.talks(each)).toBe(false);
    }
    expect(processes.talks(process.pid), "the look at connections sees those that there are").toBe(true);
    expect(readdirSync(processes.folder(pid)), "CrewAI's locks are the run's own, and go with it").toContainEqual(
      expect.stringMatching(/^crewai:.*\.lock$/),
    );
    letGo();
    expect((await theatre.until(id, ended)).status).toBe("SUCCEEDED");
  });

  it("that is killed is replaced, and what was done is not done again", async () => {
    const { id, letGo, pid, before } = await heldRun();
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(provider.asked.length).toBe(before + 1), { timeout: 60_000 });
    letGo();
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "Second said."]);
    expect(provider.asked.slice(before - 2).map(({ role }) => role)).toEqual(["First", "Second", "Second"]);
  });

  it("is gone with its folder once the run is cancelled", async () => {
    const { id, pid, letGo } = await heldRun();
    await theatre.app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    expect((await theatre.until(id, ended)).status).toBe("CANCELLED");
    await vi.waitFor(() => expect([...ours(), ...processes.inGroup(pid)]).not.toContain(pid), { timeout: 2_000 });
    expect(processes.inGroup(pid)).toEqual([]);
    await vi.waitFor(() => expect(folders()).toEqual([]), { timeout: 3_000 });
    letGo();
  });

  it("is gone when the host closes, and the run goes on in the next one", async () => {
    const { id, letGo, before } = await heldRun();
    await theatre.app.restart();
    await vi.waitFor(() => expect(provider.asked.length).toBe(before + 1), { timeout: 120_000 });
    letGo();
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "Second said."]);
    expect(provider.asked.slice(before - 2).map(({ role }) => role)).toEqual(["First", "Second", "Second"]);
  });

  it("tells what CrewAI gave up for", async () => {
    answer = ({ role }) => (role === "Guardrail Agent" ? '{"valid":false,"feedback":"It is too long."}' : "A long text.");
    const agents = { a: { role: "Speaker", goal: "Speak", backstory: "Loud." } };
    const tasks = [
      { name: "speak", description: "Speak.", expected_output: "A word.", agent: "a", guardrail: "It is short.", guardrail_max_retries: 1 },
    ];
    await theatre.agent("strict", { crew: { agents, tasks } });
    const run = await theatre.until(await theatre.start("strict", { text: "Go." }), ended);
    expect(run.failure).toMatchObject({ code: "CREW_FAILED", message: expect.stringContaining("It is too long.") });
  });
});
