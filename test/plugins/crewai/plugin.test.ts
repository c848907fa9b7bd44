import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runtimes, type AgentRuntime } from "#weftline";
import { pinnedVersion } from "../../../src/plugins/crewai/python/installation.ts";
import { crewai, health, models, simulated } from "../../../src/plugins/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";
import { testModel } from "./model.ts";
import { ended, Theatre } from "./play.ts";

type Options = Parameters<typeof crewai>[0];

async function standing(options: Options): Promise<{ runtime: AgentRuntime; status: Awaited<ReturnType<AgentRuntime["status"]>> }> {
  await using app = await testPlatform({
    plugins: [models({ bindings: { openai: { apiKey: "sk-some-key" } } }), simulated(), crewai(options)],
  });
  const runtime = app.platform.host.contributions(runtimes).get("crewai")?.value as AgentRuntime;
  return { runtime: { ...runtime }, status: await runtime.status() };
}

const homes: string[] = [];
afterAll(() => homes.forEach((home) => rmSync(home, { recursive: true, force: true })));

/** A home in which something that looks like an installation stands. */
function homeWith(version: string | undefined, more: (home: string) => void = () => undefined): string {
  const home = mkdtempSync(join(tmpdir(), "weftline-crew-home-"));
  homes.push(home);
  if (version !== undefined) {
    mkdirSync(join(home, "python/bin"), { recursive: true });
    mkdirSync(join(home, `python/lib/python3.12/site-packages/crewai-${version}.dist-info`), { recursive: true });
    symlinkSync(process.execPath, join(home, "python/bin/python"));
  }
  more(home);
  return home;
}

describe("the crewai plugin", () => {
  it("plays crews by its own engine without CrewAI, and says how to get that", async () => {
    const { runtime, status } = await standing({ home: homeWith(undefined) });
    expect(status).toEqual({
      mode: "LIVE",
      reason: "The TypeScript engine plays crews: CrewAI for Python is not installed.",
      fix: "Run: npx weftline plugins install crewai",
    });
    expect(runtime.sdk).toBeUndefined();
  });

  it("is unavailable without CrewAI where only that may play", async () => {
    expect((await standing({ home: homeWith(undefined), engine: "python" })).status).toMatchObject({ mode: "UNAVAILABLE" });
  });

  it("plays by CrewAI where that is installed in the version that it was made for", async () => {
    const home = homeWith(pinnedVersion());
    const { runtime, status } = await standing({ home });
    expect(status).toEqual({ mode: "LIVE" });
    expect(runtime.sdk).toEqual({ name: "crewai", version: pinnedVersion() });
  });

  it("tells one that is broken, or being installed, from one that works", async () => {
    expect((await standing({ home: homeWith("0.1.0") })).status.reason).toContain(`0.1.0 instead of ${pinnedVersion()}`);
    const installedBy = (id: string) =>
      homeWith(undefined, (folder) => {
        mkdirSync(join(folder, "installing"));
        writeFileSync(join(folder, "installing", id), "");
      });
    const reasonOf = async (id: string) => (await standing({ home: installedBy(id) })).status.reason;
    expect(await reasonOf(String(process.pid))).toContain("is being installed");
    expect(await reasonOf("1"), "a process of another user's, which may not be signalled").toContain("is being installed");
    for (const id of ["0", "-1", "none"]) expect(await reasonOf(id), id).toContain("is not installed");
  });

  it("refuses to boot with a crew that cannot be read, and names what is wrong", async () => {
    await expect(testPlatform({ plugins: [models(), simulated(), crewai({ crews: { x: "./there-is-none" } })] })).rejects.toThrow(
      /The crew "x" is not valid: .*neither crew\.jsonc nor agents\.yaml/,
    );
  });
});

describe("an agent of crewai", () => {
  const crew = {
    agents: { a: { role: "Speaker", goal: "Speak", backstory: "Loud.", tools: ["test.look"] } },
    tasks: [{ description: "Say {word}.", expected_output: "A word.", agent: "a" }],
  };

  it("names a crew of the configuration, or is refused", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weftline-crew-test-"));
    writeFileSync(join(folder, "crew.jsonc"), JSON.stringify(crew));
    await using provider = await testModel(({ prompt }) => `Said: ${/Say \w+/.exec(prompt)?.[0]}`);
    await using theatre = await Theatre.open(crewai({ engine: "typescript", crews: { speech: folder } }), provider.baseURL);
    await theatre.agent("speaker", { crew: "speech" });
    const run = await theatre.until(await theatre.start("speaker", { text: "hello" }), ended);
    expect([run.status, run.text]).toEqual(["SUCCEEDED", "Said: Say hello"]);
    await expect(theatre.agent("other", { crew: "song" })).rejects.toThrow(/There is no crew of that name.*there are speech/);
    rmSync(folder, { recursive: true });
  });

  it("is refused with a definition that is wrong", async () => {
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), "http://127.0.0.1:9/v1");
    const wrong = { ...crew, tasks: [{ description: "Say.", expected_output: "A word.", agent: "b" }] };
    await expect(theatre.agent("speaker", { crew: wrong })).rejects.toThrow(/there is no agent \\?"b/);
  });

  it("is refused with a crew in place whose model names a provider or an address that no binding has", async () => {
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), "http://127.0.0.1:9/v1");
    const of = (llm: unknown, rest: object = {}) => ({ crew: { ...crew, agents: { a: { ...crew.agents.a, llm } }, ...rest } });
    for (const llm of ["groq/llama-3.3", { model: "llama", provider: "groq" }, { model: "m", base_url: "http://10.0.0.1/v1" }])
      await expect(theatre.agent("speaker", of(llm)), JSON.stringify(llm)).rejects.toThrow(/agents\.a\.llm: .*no binding/i);
    await expect(theatre.agent("speaker", of(undefined, { manager_llm: "groq/llama-3.3" }))).rejects.toThrow(/crew\.manager_llm/);
    await theatre.agent("speaker", of({ model: "m", base_url: "http://127.0.0.1:9/v1/" }));
  });

  it("is known to fail before its first run where its crew is of a file that names such a model", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weftline-crew-test-"));
    const asking = { ...crew, agents: { a: { ...crew.agents.a, llm: "groq/llama-3.3" } } };
    writeFileSync(join(folder, "crew.jsonc"), JSON.stringify(asking));
    await using theatre = await Theatre.open(
      [health(), crewai({ engine: "typescript", crews: { speech: folder } })],
      "http://127.0.0.1:9/v1",
    );
    const { health: report } = await theatre.app.graphql<{
      health: { components: { name: string; status: string; detail: string | null }[] };
    }>("{ health { components { name status detail } } }");
    expect(report.components.find(({ name }) => name === "crewai.speech")).toMatchObject({
      status: "DEGRADED",
      detail: expect.stringMatching(/^Its runs fail: agents\.a\.llm: There is no binding "groq"/),
    });
    rmSync(folder, { recursive: true });
  });

  it("fails with what is missing: a value, or a tool that the agent does not have", async () => {
    await using provider = await testModel(() => "Nothing.");
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("speaker", { crew });
    const without = await theatre.until(await theatre.start("speaker", { input: { other: 1 } }), ended);
    expect(without.failure).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("{word}") });
    await theatre.agent("toolless", { crew }, { capabilities: [] });
    const toolless = await theatre.until(await theatre.start("toolless", { text: "hello" }), ended);
    expect(toolless.failure).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining('the tool "test.look"') });
    expect(provider.asked).toEqual([]);
  });

  it("answers in a thread with what was said before, as any agent does", async () => {
    await using provider = await testModel(
      ({ prompt }) => `I was told: ${prompt.includes("My name is Ada") && prompt.includes("What is my name?")}`,
    );
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("plain", {}, { instructions: "Be kind." });
    const run = await theatre.until(await theatre.start("plain", { text: "My name is Ada. What is my name?" }), ended);
    expect(run.text).toBe("I was told: true");
    expect(JSON.stringify(provider.server.seen[0]?.body)).toContain("Be kind.");
  });

  it("says which engine played, and shows in its health and in each run what of the crew is left out", async () => {
    const left = {
      crew: [
        "memory",
        "knowledge_sources",
        "planning",
        "planning_llm",
        "embedder",
        "cache",
        "step_callback",
        "task_callback",
        "output_log_file",
      ],
      agent: ["memory", "knowledge_sources", "reasoning", "multimodal", "allow_code_execution", "inject_date", "max_retry_limit"],
      task: ["output_file", "create_directory", "callback", "input_files"],
    };
    const anything = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, true]));
    const whole = {
      ...anything(left.crew),
      agents: { a: { ...crew.agents.a, ...anything(left.agent) } },
      tasks: [{ ...crew.tasks[0], name: "say", ...anything(left.task) }],
    };
    const sentence = (place: string) => (key: string) => `${place}.${key} is not supported here and is left out.`;
    const sentences = [
      ...left.crew.map(sentence("crew")),
      ...left.agent.map(sentence("agents.a")),
      ...left.task.map(sentence("tasks.say")),
    ];
    const folder = mkdtempSync(join(tmpdir(), "weftline-crew-test-"));
    writeFileSync(join(folder, "crew.jsonc"), JSON.stringify(whole));
    await using provider = await testModel(() => "Word.");
    await using theatre = await Theatre.open(crewai({ engine: "typescript", crews: { speech: folder } }), provider.baseURL);
    rmSync(folder, { recursive: true });
    await theatre.agent("inline", { crew: whole });
    await theatre.agent("named", { crew: "speech" });
    await theatre.agent("plain", { crew });
    const healthOf = async (name: string) => {
      const query = "query ($name: String!) { agent(ref: { name: $name }) { health { status detail } } }";
      return (await theatre.app.graphql<{ agent: { health: unknown } }>(query, { name })).agent.health;
    };
    expect(await healthOf("plain")).toEqual({ status: "UP", detail: null });
    for (const name of ["inline", "named"]) {
      expect(await healthOf(name)).toEqual({ status: "DEGRADED", detail: sentences.join(" ") });
      const run = await theatre.until(await theatre.start(name, { text: "hello" }), ended);
      const query = "query ($id: ID!) { run(id: $id) { events { ... on CustomEvent { name data } } } }";
      const shown = await theatre.app.graphql<{ run: { events: object[] } }>(query, { id: run.id });
      expect(shown.run.events).toContainEqual({
        name: "crewai.engine",
        data: expect.objectContaining({ engine: "typescript", warnings: sentences }),
      });
    }
  });

  it("is refused with a flow, which is no crew", async () => {
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), "http://127.0.0.1:9/v1");
    const flow = { schema: "crewai.flow/v1", methods: { begin: { start: true } } };
    await expect(theatre.agent("flow", { crew: flow })).rejects.toThrow(/it is a flow, and only crews are played here/);
  });

  it("that gets nowhere ends at its limits, with what it has", async () => {
    await using provider = await testModel(({ tools }) =>
      tools[0] === undefined ? "That is all." : { calls: [{ name: tools[0], arguments: { text: "x" } }] },
    );
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("speaker", { crew: { ...crew, agents: { a: { ...crew.agents.a, max_iter: 3 } } } });
    const run = await theatre.until(await theatre.start("speaker", { text: "hello" }), ended);
    expect([run.text, run.usage.modelCalls]).toEqual(["That is all.", 4]);
    const limited = await theatre.until(await theatre.start("speaker", { text: "hello", limits: { maxSteps: 2 } }), ended);
    expect(limited.failure?.code).toBe("RUN_LIMIT");
  });
});
