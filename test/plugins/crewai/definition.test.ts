import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { WeftlineError, modelService } from "#weftline";
import { readFolder } from "../../../src/plugins/crewai/definition/folder.ts";
import { interpolate } from "../../../src/plugins/crewai/definition/inputs.ts";
import { modelProblems } from "../../../src/plugins/crewai/definition/models.ts";
import { readCrew } from "../../../src/plugins/crewai/definition/read.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "weftline-crew-test-"));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

const agent = { role: "Researcher", goal: "Find {topic}", backstory: "Deep." };
const task = { description: "Research {topic}.", expected_output: "Facts.", agent: "researcher" };

function problemOf(raw: unknown): string {
  try {
    readCrew(raw, "x");
  } catch (error) {
    if (error instanceof WeftlineError && error.code === "CREW_INVALID") return error.message;
    throw error;
  }
  return "nothing";
}

describe("a crew's files", () => {
  const jsonc = {
    "crew.jsonc": `{
      // Comments and trailing commas are fine.
      "agents": ["researcher"], "inputs": { "topic": "looms" },
      "tasks": [{ "name": "research", "description": "Research {topic}.", "expected_output": "Facts.", "agent": "researcher" },],
    }`,
    "agents/researcher.jsonc": `{ "role": "Overruled", "goal": "Find {topic}", "backstory": "Deep.", "settings": { "role": "Researcher", "max_iter": 7 } }`,
  };
  const yaml = {
    "config/agents.yaml": "researcher:\n  role: >\n    Researcher\n  goal: Find {topic}\n  backstory: Deep.\n  max_iter: 7\n",
    "config/tasks.yaml": "research:\n  description: Research {topic}.\n  expected_output: Facts.\n  agent: researcher\n",
  };

  it("come to the same crew as JSON and as YAML", () => {
    const [fromJson, fromYaml] = [readFolder(folderOf(jsonc), "x"), readFolder(folderOf(yaml), "x")];
    expect({ ...fromJson.crew, inputs: {} }).toEqual(fromYaml.crew);
    expect(fromJson.crew).toMatchObject({
      inputs: { topic: "looms" },
      agents: [{ key: "researcher", role: "Researcher", maxIterations: 7 }],
    });
  });

  it("that are broken are refused with the file and the line", () => {
    expect(() => readFolder(folderOf({ ...jsonc, "crew.jsonc": '{\n  "agents": [\n' }), "x")).toThrow(/crew\.jsonc, line 3/);
    expect(() => readFolder(folderOf({ ...yaml, "config/tasks.yaml": "a: [" }), "x")).toThrow(/tasks\.yaml/);
    expect(() => readFolder(folderOf({ "crew.jsonc": jsonc["crew.jsonc"] }), "x")).toThrow(/no file agents\/researcher\.jsonc/);
    expect(() => readFolder(folderOf({}), "x")).toThrow(/neither crew\.jsonc nor agents\.yaml/);
  });
});

describe("a definition", () => {
  it("is read with warnings for what is not supported", () => {
    const { warnings } = readCrew(
      {
        agents: { researcher: { ...agent, verbose: true, knowledge_sources: [] } },
        tasks: [{ ...task, output_file: "a.md" }],
        memory: true,
      },
      "x",
    );
    expect(warnings).toEqual([
      "crew.memory is not supported here and is left out.",
      "agents.researcher.knowledge_sources is not supported here and is left out.",
      "tasks.task-1.output_file is not supported here and is left out.",
    ]);
  });

  it("warns of what is left out at any depth", () => {
    const llm = { model: "llama3", api_key: "x", extra: { a: 1 } };
    const { warnings } = readCrew({ agents: { researcher: { ...agent, llm } }, tasks: [task], manager_llm: { seed: 1 } }, "x");
    expect(warnings).toEqual([
      "crew.manager_llm.seed is not supported here and is left out.",
      "agents.researcher.llm.api_key is not supported here and is left out.",
      "agents.researcher.llm.extra is not supported here and is left out.",
    ]);
  });

  it.each<[unknown, RegExp | undefined]>([
    ["groq/llama-3.3", /agents\.researcher\.llm: There is no binding "groq"/],
    [{ model: "llama3", provider: "ollama" }, /There is no binding "ollama"/],
    [{ deployment_name: "mine", provider: "azure" }, /There is no binding "azure"/],
    [{ provider: "azure" }, /There is no binding "azure"/],
    [{ model: "llama3", base_url: "http://localhost:11434" }, /has the address http:\/\/localhost:11434\. Add one.*"local\/llama3"/],
    [{ api_base: "http://localhost:11434" }, /has the address/],
    [{ model: "ollama/llama3", base_url: "http://localhost:11434" }, /has the address/],
    [{ model: "gpt-5.5", azure_endpoint: "https://a.example" }, /has the address/],
    [{ model: "gpt-5.5", base_url: "https://api.example/v1/" }, undefined],
    [{ model: "openai/gpt-5.5", provider: "openai" }, undefined],
    [{ model: "gpt-5.5", temperature: 1 }, undefined],
    ["gpt-5.5", undefined],
    [undefined, undefined],
  ])("that names its model %j sends it to no binding unasked", async (llm, problem) => {
    const bindings = { openai: { apiKey: "x", baseURL: "https://api.example/v1" } };
    await using app = await testPlatform({ plugins: [models({ bindings })] });
    const { crew } = readCrew({ agents: { researcher: { ...agent, llm } }, tasks: [task] }, "x");
    const problems = modelProblems(crew, app.platform.use(modelService)).join("; ");
    if (problem) expect(problems).toMatch(problem);
    else expect(problems).toBe("");
  });

  it.each([
    ["a Python class", { agents: { researcher: { ...agent, type: { python: "my.Agent" } } }, tasks: [task] }],
    ["a Python function", { agents: { researcher: agent }, tasks: [{ ...task, guardrail: { python: "my.check" } }] }],
    ["a tool of one's own", { agents: { researcher: { ...agent, tools: ["custom:search"] } }, tasks: [task] }],
    ["a tool by its class", { agents: { researcher: { ...agent, tools: ["crewai_tools:SerperDevTool"] } }, tasks: [task] }],
    ["a type of one's own", { agents: { researcher: agent }, tasks: [{ ...task, type: "my.tasks.Task" }] }],
  ])("that names %s is refused, since no Python of a crew is run", (_, raw) => {
    expect(problemOf(raw)).toMatch(/it names Python code, which is never run here/);
  });

  it.each([
    [{ agents: {}, tasks: [task] }, /agents: there are none/],
    [{ agents: { researcher: agent }, tasks: [] }, /tasks: there are none/],
    [{ agents: { researcher: { ...agent, role: " " } }, tasks: [task] }, /agents\.researcher\.role: is empty/],
    [{ agents: { researcher: agent }, tasks: [{ ...task, agent: "nobody" }] }, /there is no agent "nobody"/],
    [
      {
        agents: { researcher: agent },
        tasks: [
          { ...task, context: ["later"] },
          { ...task, name: "later" },
        ],
      },
      /"later" does not come before it/,
    ],
    [{ agents: { researcher: agent }, tasks: [{ ...task, condition: "true" }] }, /the first task cannot have a condition/],
    [{ agents: { researcher: agent }, tasks: [task, { ...task, name: "b", condition: "1 +" }] }, /it is not CEL/],
    [{ agents: { researcher: agent }, tasks: [1, 2].map(() => ({ ...task, async_execution: true })) }, /at most one asynchronous task/],
    [
      {
        agents: { researcher: agent },
        tasks: [
          { ...task, name: "a" },
          { ...task, name: "a" },
        ],
      },
      /two are named "a"/,
    ],
    [
      { agents: { boss: { ...agent, tools: ["a.b"] }, researcher: agent }, tasks: [task], process: "hierarchical", manager_agent: "boss" },
      /a manager has no tools/,
    ],
  ])("%j is refused", (raw, problem) => {
    expect(problemOf(raw)).toMatch(problem);
  });
});

describe("placeholders", () => {
  const { crew } = readCrew(
    { agents: { researcher: agent }, tasks: [{ ...task, description: 'Research {topic}, not {"a": {b}} or { topic }.' }] },
    "x",
  );
  const asked = { text: "", data: {}, conversation: "" };

  it("are filled in once, and other braces stand", () => {
    const [first] = interpolate(crew, { ...asked, data: { topic: "{b}", b: "B" } }).tasks;
    expect(first?.description).toBe('Research {b}, not {"a": B} or { topic }.');
  });

  it("that have no value are named", () => {
    expect(() => interpolate(crew, { ...asked, data: { b: 1 } })).toThrow(/needs a value for \{topic\}/);
  });

  it("take a text: {input}, or the only one without a value; else the first task is told", () => {
    expect(interpolate(crew, { ...asked, text: "looms", data: { b: 1 } }).agents[0]?.goal).toBe("Find looms");
    const told = interpolate(crew, { ...asked, text: "In short.", data: { b: 1, topic: "looms" } });
    expect(told.tasks[0]?.description).toMatch(/What was asked:\nIn short\.$/);
  });
});
