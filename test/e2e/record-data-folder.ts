import Database from "better-sqlite3";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messagesOf, type Shown } from "./shown.ts";
import { startServer, type Server } from "./server.ts";

/**
 * `node test/e2e/record-data-folder.ts <folder>` makes a data folder of the version in the current directory, for test/fixtures/data: run it from a
 * checkout of that version. What that version has not yet is left out.
 */
const [to = ""] = process.argv.slice(2);
if (to === "") throw new Error("Say where to: node test/e2e/record-data-folder.ts test/fixtures/data/2026-11-30");
const folder = mkdtempSync(join(tmpdir(), "weftline-recorded-"));
const server = await startServer(folder);
const failures = "... on UserError { message } ... on InvalidInputError { issues { path message } }";

async function change<T>(verb: string, type: string, input: object, fields: string): Promise<T> {
  const query = `mutation ($input: ${type}!) { ${verb}(input: $input) { ${fields} ${failures} } }`;
  const { [verb]: answer } = await server.graphql<Record<string, T & { message?: string; issues?: unknown }>>(query, { input });
  if (answer === undefined || answer.message !== undefined || answer.issues !== undefined) throw new Error(JSON.stringify(answer));
  return answer;
}

async function hire(framework: string): Promise<void> {
  const input = { name: framework, framework, capabilities: ["time.now", "math.evaluate", "message.send"] };
  await change("createAgent", "CreateAgentInput", input, "... on CreateAgentPayload { agent { id } }");
}

async function thread(agent: string): Promise<string> {
  const made = await change<{ thread: { id: string } }>(
    "createThread",
    "CreateThreadInput",
    { agent: { name: agent } },
    "... on CreateThreadPayload { thread { id } }",
  );
  return made.thread.id;
}

async function send(inThread: string, text: string, parts: readonly object[] = []): Promise<string> {
  const said = parts.length > 0 ? { parts: [{ text }, ...parts] } : { text };
  const fields = "... on SendMessagePayload { run { id } }";
  return (await change<{ run: { id: string } }>("sendMessage", "SendMessageInput", { thread: inThread, ...said }, fields)).run.id;
}

async function until(run: string, status: string): Promise<void> {
  for (;;) {
    const { run: found } = await server.graphql<{ run: { status: string } }>("query ($run: ID!) { run(id: $run) { status } }", { run });
    if (found.status === status) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function talk(agent: string, ...texts: readonly string[]): Promise<string> {
  const id = await thread(agent);
  for (const text of texts) await until(await send(id, text), "SUCCEEDED");
  return id;
}

async function upload(text: string): Promise<string> {
  const { uploadUrl, file } = await change<{ uploadUrl: string; file: { id: string } }>(
    "createFile",
    "CreateFileInput",
    { name: "loom.txt", mediaType: "text/plain", size: text.length },
    "... on CreateFilePayload { uploadUrl file { id } }",
  );
  const answer = await fetch(new URL(uploadUrl, server.url), { method: "PUT", headers: { "content-type": "text/plain" }, body: text });
  if (!answer.ok) throw new Error(await answer.text());
  return file.id;
}

/** Runs of a workflow that waits for a signal, one of them paused, and a schedule; nothing where there are no workflows yet. */
async function weave(): Promise<Pick<Shown, "workflows">> {
  const { __type } = await server.graphql<{ __type: object | null }>('{ __type(name: "CreateWorkflowInput") { name } }');
  if (__type === null) return {};
  const nodes = [
    { key: "a", kind: "transform", config: { expression: "input.n + 1" } },
    {
      key: "m",
      kind: "map",
      dependsOn: ["a"],
      config: { over: "[1, 2]", node: { kind: "transform", config: { expression: "item * 2" } } },
    },
    { key: "go", kind: "wait", dependsOn: ["m"], config: { signal: "go" } },
    {
      key: "out",
      kind: "transform",
      dependsOn: ["a", "m", "go"],
      config: { expression: "[nodes.a.output, nodes.m.output, nodes.go.output]" },
    },
  ];
  await change("createWorkflow", "CreateWorkflowInput", { name: "Weave", nodes }, "... on CreateWorkflowPayload { workflow { id } }");
  const target = { workflow: { name: "Weave" } };
  const start = async (): Promise<string> => {
    const { run } = await change<{ run: { id: string } }>(
      "startRun",
      "StartRunInput",
      { target, input: { n: 1 } },
      "... on StartRunPayload { run { id } }",
    );
    await until(run.id, "WAITING");
    return run.id;
  };
  const [waiting, paused] = [await start(), await start()];
  await server.graphql(`mutation ($run: ID!) { pauseRun(run: $run) { ${failures} } }`, { run: paused });
  await until(paused, "PAUSED");
  const fields = "... on CreateSchedulePayload { schedule { id } }";
  const schedule = await change<{ schedule: { id: string } }>(
    "createSchedule",
    "CreateScheduleInput",
    { name: "Yearly", target, input: { n: 2 }, cron: "0 0 29 2 *" },
    fields,
  );
  return { workflows: { waiting, paused, schedule: schedule.schedule.id } };
}

/** A run that is killed in the middle of its answer. */
async function cutOff(running: Server): Promise<Shown["cut"]> {
  const id = await thread("openai");
  const run = await send(id, "Write 60 words about rivers");
  const socket = running.socket();
  for await (const { data } of socket.iterate<{ threadEvents: { type: string } }>({
    query: "subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { type } }",
    variables: { thread: id },
  }))
    if (data?.threadEvents.type === "message.delta") break;
  return { thread: id, run };
}

for (const framework of ["openai", "langchain", "langgraph", "crewai"]) await hire(framework);
const named: Record<string, string> = {
  plain: await talk("openai", "What is a weft?", "Use time.now and math.evaluate with 6 * 7."),
  chain: await talk("langchain", "What is a warp?", "Use time.now."),
  graph: await talk("langgraph", "Use math.evaluate with 2 * 3.", "And then?"),
  crew: await talk("crewai", "What is a heddle?"),
  cleared: await talk("openai", "Forget this."),
  file: await thread("openai"),
  waiting: await thread("langgraph"),
};
await server.graphql(`mutation ($thread: ID!) { clearThread(thread: $thread) { __typename ${failures} } }`, { thread: named["cleared"] });
await until(await send(named["file"] ?? "", "What is this?", [{ file: await upload("A tall loom") }]), "SUCCEEDED");
const waiting = await send(named["waiting"] ?? "", 'Use message.send with {"to": "ada@example.com", "subject": "Warp", "body": "Weft"}');
await until(waiting, "WAITING");
const woven = await weave();
const cut = await cutOff(server);
const { runs } = await server.graphql<{ runs: { nodes: Shown["runs"] } }>("{ runs(first: 50) { nodes { id status text } } }");
const threads: Record<string, Shown["threads"][string]> = {};
for (const [name, id] of Object.entries(named)) {
  const { thread: found } = await server.graphql<{ thread: { messages: { nodes: Shown["threads"][string]["messages"] } } }>(messagesOf, {
    thread: id,
  });
  threads[name] = { id, messages: found.messages.nodes };
}
await server.kill();
mkdirSync(to, { recursive: true });
const database = new Database(join(folder, "weftline.db"));
database.pragma("wal_checkpoint(truncate)");
database.exec("vacuum");
database.close();
for (const name of ["weftline.db", "weftline.stamp", "files"])
  cpSync(join(folder, name), join(to, "data", name), { recursive: true, errorOnExist: true, force: false });
const shown: Shown = { threads, waiting: { run: waiting }, cut, runs: runs.nodes, ...woven };
writeFileSync(join(to, "shown.json"), `${JSON.stringify(shown, null, 2)}\n`, { flag: "wx" });
rmSync(folder, { recursive: true, force: true });
process.exit(0);
