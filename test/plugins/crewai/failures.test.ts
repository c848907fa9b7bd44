import type * as ChildProcess from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Readline from "node:readline";
import { describe, expect, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { testModel } from "./model.ts";
import { ended, Theatre } from "./play.ts";

const agents = { a: { role: "Speaker", goal: "Speak", backstory: "Loud." } };
const task = { name: "speak", description: "Speak.", expected_output: "A word.", agent: "a" };

/** In the place of Python: forks a process that breaks off within a line, once it is asked something. */
function brokenWorker(load: (name: string) => never, line: string): void {
  const { createInterface } = load("node:readline") as typeof Readline;
  const { spawn } = load("node:child_process") as typeof ChildProcess;
  const play = `require("node:net").connect(process.argv[1], function () { this.once("data", () => this.end(process.argv[2])); });`;
  const say = (message: object): void => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
  createInterface({ input: process.stdin }).on("line", (text) => {
    const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: { path: string } };
    if (method === "initialize") return say({ id, result: {} });
    const { pid } = spawn(process.execPath, ["-e", play, params.path, line], { detached: true, stdio: "ignore" }).on("exit", (code) =>
      say({ method: "exited", params: { pid, code } }),
    );
    return say({ id, result: { pid } });
  });
}

describe("a crew fails", () => {
  it("with what a guardrail says, once its tries are used up", async () => {
    await using provider = await testModel(({ role }) =>
      role === "Guardrail Agent" ? '{"valid":false,"feedback":"It is too long."}' : "A long text.",
    );
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("strict", { crew: { agents, tasks: [{ ...task, guardrail: "It is short.", guardrail_max_retries: 1 }] } });
    const run = await theatre.until(await theatre.start("strict", { text: "Go." }), ended);
    expect(run.failure).toMatchObject({ code: "CREW_FAILED", message: expect.stringContaining("It is too long.") });
    expect(provider.asked.map(({ role }) => role)).toEqual(["Speaker", "Guardrail Agent", "Speaker", "Guardrail Agent"]);
    await theatre.log(run.id);
  });

  it("where a condition has no answer", async () => {
    await using provider = await testModel(() => "Said.");
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("asking", { crew: { agents, tasks: [task, { ...task, name: "more", condition: "inputs.mood == 'good'" }] } });
    const run = await theatre.until(await theatre.start("asking", { text: "Go." }), ended);
    expect(run.failure).toMatchObject({ code: "CREW_FAILED", message: expect.stringContaining('the condition of "more"') });
  });

  it("where a condition takes too long", async () => {
    await using provider = await testModel(() => `${"a".repeat(60)}!`);
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("matching", { crew: { agents, tasks: [task, { ...task, name: "more", condition: "output.matches('^(a+)+$')" }] } });
    const run = await theatre.until(await theatre.start("matching", { text: "Go." }), ended);
    expect(run.failure).toMatchObject({ code: "CREW_FAILED", message: expect.stringContaining("it takes too long: more than 250 ms") });
  });

  it("with the last words of a Python that does not load CrewAI, and no secret in them", async () => {
    const home = mkdtempSync(join(tmpdir(), "weftline-crew-home-"));
    mkdirSync(join(home, "bin"));
    mkdirSync(join(home, "lib/python3.12/site-packages/crewai-1.0.0.dist-info"), { recursive: true });
    writeFileSync(join(home, "bin/python"), "#!/bin/sh\necho 'ImportError: no numpy for sk-abcdefgh12345678' >&2\nexit 3\n");
    chmodSync(join(home, "bin/python"), 0o755);
    await using provider = await testModel(() => "Said.");
    await using theatre = await Theatre.open(crewai({ engine: "python", home, python: join(home, "bin/python") }), provider.baseURL);
    await theatre.agent("broken", { crew: { agents, tasks: [task] } });
    const run = await theatre.until(await theatre.start("broken", { text: "Go." }), ended);
    expect(run.failure).toMatchObject({ code: "WORKER_LOST", message: expect.stringMatching(/exit code 3.*ImportError: no numpy/s) });
    expect(run.failure?.message).not.toContain("sk-abc");
    expect(provider.asked).toEqual([]);
    rmSync(home, { recursive: true });
  });

  it.each(['{"jsonrpc":"2.0","id":1,"res', "null\n"])(
    "where its process ends within a line, as in %j, and nothing else does",
    async (line) => {
      const home = mkdtempSync(join(tmpdir(), "weftline-crew-home-"));
      mkdirSync(join(home, "bin"));
      mkdirSync(join(home, "lib/python3.12/site-packages/crewai-1.0.0.dist-info"), { recursive: true });
      writeFileSync(join(home, "bin/python"), `#!${process.execPath}\n(${String(brokenWorker)})(require, ${JSON.stringify(line)});\n`);
      chmodSync(join(home, "bin/python"), 0o755);
      await using provider = await testModel(() => "Said.");
      await using theatre = await Theatre.open(crewai({ engine: "python", home, python: join(home, "bin/python") }), provider.baseURL);
      await theatre.agent("cut", { crew: { agents, tasks: [task] } });
      const run = await theatre.until(await theatre.start("cut", { text: "Go." }), ended);
      expect(run.failure).toMatchObject({ code: "WORKER_LOST", message: expect.stringContaining("it wrote a line that is no JSON") });
      rmSync(home, { recursive: true });
    },
  );
});

describe("a crew's models", () => {
  it("are those that it names, with the settings that it names", async () => {
    await using provider = await testModel(() => '{"word":"hello"}');
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    const schema = { type: "object", properties: { word: { type: "string" } }, required: ["word"], additionalProperties: false };
    const crew = {
      agents: { a: { ...agents.a, llm: { model: "local/other", temperature: 0.3 } } },
      tasks: [{ ...task, output_json: schema }],
    };
    await theatre.agent("named", { crew, temperature: 1, topP: 0.5 });
    const run = await theatre.until(await theatre.start("named", { text: "Go." }), ended);
    expect(run.status, run.failure?.message).toBe("SUCCEEDED");
    expect(provider.server.seen[0]?.body).toMatchObject({
      model: "other",
      temperature: 0.3,
      top_p: 0.5,
      response_format: { type: "json_schema", json_schema: { schema } },
    });
  });
});

describe("an answer whose note was lost", () => {
  it("is found in the log by its calls, and nobody is asked again", async () => {
    await using provider = await testModel(({ results, tools }) =>
      results.length > 0 ? "Sent." : { calls: [{ name: tools[0] ?? "", arguments: { text: "letter" } }] },
    );
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("sender", { crew: { agents: { a: { ...agents.a, tools: ["test.send"] } }, tasks: [task] } });
    const id = await theatre.start("sender", { text: "Go." });
    const question = await theatre.question(id);
    await theatre.app.platform.database.commit(({ sql }) => sql.run("delete from runs_checkpoint_write"));
    await theatre.decide(question, { kind: "APPROVE" });
    const run = await theatre.until(id, ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", "Sent."]);
    expect(provider.asked).toHaveLength(2);
    expect(theatre.effects).toEqual(["test.send letter"]);
    await theatre.log(id);
  });
});
