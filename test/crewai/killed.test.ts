import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { follow, killTree, urlOf, type Running } from "../cli/server.ts";
import { root } from "../cli/terminal.ts";
import { testModel, type Asked, type Said, type TestModel } from "../plugins/crewai/model.ts";
import { processes } from "./processes.ts";

const agents = {
  first: { role: "First", goal: "Speak", backstory: "Loud." },
  second: { role: "Second", goal: "Speak", backstory: "Loud.", tools: ["test.send"] },
};
const task = (agent: string) => ({ name: agent, description: `Say ${agent}.`, expected_output: "A word.", agent });
const first = task("first");
const second = task("second");

interface Question {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly argumentsHash: string | null;
}

interface Shown {
  readonly status: string;
  readonly text: string | null;
  readonly interrupts: { readonly nodes: readonly Question[] };
}

describe("a server that is ended", { timeout: 120_000 }, () => {
  let folder: string;
  let provider: TestModel;
  let server: Running;
  let url: string;
  let answer: (asked: Asked) => Said | Promise<Said>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "weftline-killed-"));
    provider = await testModel((asked) => answer(asked));
    await start();
  });
  afterEach(async () => {
    await killTree(server);
    await provider[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<void> {
    const config = join(root, "test/crewai/killed.config.ts");
    const env = { WEFTLINE_DATA: folder, TEST_PROVIDER: provider.baseURL, TMPDIR: folder };
    server = follow(process.execPath, [join(root, "src/cli/main.ts"), "start", "--config", config, "--port", "0"], { cwd: root, env });
    url = await urlOf(server);
  }

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    server.child.kill(signal);
    await server.ended;
  }

  async function ask<Data>(query: string, variables: object): Promise<Data> {
    const body = JSON.stringify({ query, variables });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  async function play(tasks: readonly object[]): Promise<string> {
    const input = { name: "crew", framework: "crewai", options: { crew: { agents, tasks } }, capabilities: ["test.send"] };
    await ask("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input });
    const { made } = await ask<{ made: { run: { id: string } } }>(
      "mutation ($input: StartRunInput!) { made: startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
      { input: { target: { agent: { name: "crew" } }, text: "Go." } },
    );
    return made.run.id;
  }

  const until = (id: string, status: string): Promise<Shown> =>
    vi.waitFor(
      async () => {
        const query =
          "query ($id: ID!) { run(id: $id) { status text failure { message } interrupts { nodes { id kind status argumentsHash } } } }";
        const { run } = await ask<{ run: Shown }>(query, { id });
        expect(run, JSON.stringify(run)).toMatchObject({ status });
        return run;
      },
      { timeout: 60_000, interval: 50 },
    );

  const pending = (id: string, kind: string): Promise<Question> =>
    vi.waitFor(
      async () => {
        const { interrupts } = await until(id, "WAITING");
        const found = interrupts.nodes.find((each) => each.kind === kind && each.status === "PENDING");
        if (!found) throw new Error(`There is no question of the kind ${kind}: ${JSON.stringify(interrupts)}`);
        return found;
      },
      { timeout: 60_000, interval: 50 },
    );

  const playing = (): number[] => processes.below(server.child.pid ?? 0);
  const rolesAsked = (): string[] => provider.asked.map(({ role }) => role);

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "by %s while a model is asked leaves nothing, and the next one plays the run to its end",
    async (signal) => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
      answer = async ({ role }) => {
        if (role === "Second") await held;
        return `${role} said.`;
      };
      const id = await play([first, second]);
      await vi.waitFor(() => expect(rolesAsked()).toEqual(["First", "Second"]), { timeout: 60_000 });
      const pids = playing();
      const folders = pids.map(processes.folder).filter((each) => each.includes("weftline-crew-"));
      expect([pids.length, folders.length, folders.every(existsSync)], "one that loads, and one that plays in a folder").toEqual([
        2,
        1,
        true,
      ]);

      await kill(signal);
      await vi.waitFor(() => expect(pids.filter(processes.lives)).toEqual([]), { timeout: 2_000, interval: 20 });
      expect(pids.flatMap(processes.inGroup)).toEqual([]);
      expect(folders.filter(existsSync)).toEqual([]);

      await start();
      await vi.waitFor(() => expect(rolesAsked()).toEqual(["First", "Second", "Second"]), { timeout: 60_000 });
      letGo();
      expect(await until(id, "SUCCEEDED")).toMatchObject({ text: "Second said." });
      expect(rolesAsked()).toEqual(["First", "Second", "Second"]);
    },
  );

  it("while a person is asked keeps the question, and what is allowed is done once", async () => {
    answer = ({ role, results, tools }) => {
      if (role === "First") return "First said.";
      return results.length > 0 ? `It went: ${results[0]}` : { calls: [{ name: tools[0] ?? "", arguments: { text: "letter" } }] };
    };
    const id = await play([first, { ...second, human_input: true }]);
    for (const kind of ["TOOL_APPROVAL", "REVIEW"]) {
      const question = await pending(id, kind);
      await vi.waitFor(() => expect(playing().length, "who waits for a person has no process").toBe(1), { timeout: 2_000 });
      const loading = playing();
      await kill();
      await vi.waitFor(() => expect(loading.filter(processes.lives)).toEqual([]), { timeout: 2_000, interval: 20 });
      await start();
      expect(await pending(id, kind)).toEqual(question);
      const { argumentsHash } = question;
      const input = { interrupt: question.id, kind: "APPROVE", ...(argumentsHash === null ? {} : { argumentsHash }) };
      const decide = "mutation ($input: DecideInterruptInput!) { made: decideInterrupt(input: $input) { __typename } }";
      expect(await ask(decide, { input })).toEqual({ made: { __typename: "DecideInterruptPayload" } });
    }
    expect(await until(id, "SUCCEEDED")).toMatchObject({ text: 'It went: {"sent":"letter"}' });
    expect(readFileSync(join(folder, "sent"), "utf8")).toBe("letter\n");
    expect(rolesAsked()).toEqual(["First", "Second", "Second"]);
  });
});
