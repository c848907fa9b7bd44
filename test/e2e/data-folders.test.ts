import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type Server } from "./server.ts";
import { messagesOf, type Shown, type ShownMessage } from "./shown.ts";

const folders = join(import.meta.dirname, "../fixtures/data");
const earlier = readdirSync(folders, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

it("has data folders of earlier versions to open", () => expect(earlier).not.toEqual([]));

describe.each(earlier)("the data folder of %s", (name) => {
  const shown = JSON.parse(readFileSync(join(folders, name, "shown.json"), "utf8")) as Shown;
  const folder = mkdtempSync(join(tmpdir(), "weftline-data-folder-"));
  let server: Server;

  beforeAll(async () => {
    cpSync(join(folders, name, "data"), folder, { recursive: true });
    moveToToday(join(folder, "weftline.db"));
    server = await startServer(folder);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  async function messages(thread: string): Promise<readonly ShownMessage[]> {
    const { thread: found } = await server.graphql<{ thread: { messages: { nodes: ShownMessage[] } } }>(messagesOf, { thread });
    return found.messages.nodes;
  }

  async function settled(run: string): Promise<{ readonly status: string; readonly text: string | null }> {
    for (;;) {
      const found = await server.graphql<{ run: { status: string; text: string | null } }>(
        `query ($run: ID!) { run(id: $run) { status text } }`,
        {
          run,
        },
      );
      if (!["QUEUED", "RUNNING", "WAITING", "CANCELLING"].includes(found.run.status)) return found.run;
    }
  }

  it("shows its threads as before", async () => {
    for (const { id, messages: before } of Object.values(shown.threads)) {
      // The version before kept halves of characters, which no strict client reads.
      expect(await messages(id)).toEqual(JSON.parse(JSON.stringify(before), (_, value) => wellFormed(value)));
    }
  });

  const { blocks, workflows } = shown;

  it.runIf(blocks)("shows an answer that was stored in a shape of no part as what it is, beside the others of its thread", async () => {
    const found = await messages(blocks?.thread ?? "");
    expect(found.map(({ role, status }) => `${role} ${status}`)).toEqual([
      "USER COMPLETE",
      "ASSISTANT COMPLETE",
      "USER COMPLETE",
      "ASSISTANT FAILED",
      "USER COMPLETE",
      "ASSISTANT COMPLETE",
    ]);
    const answers = found.filter(({ role, status }) => role === "ASSISTANT" && status === "COMPLETE");
    expect(answers.flatMap(({ parts }) => parts.map(({ text }) => text))).toEqual(["A plain answer.", "A plain answer."]);
  });

  it("lists its runs with their ends", async () => {
    const { runs } = await server.graphql<{ runs: { nodes: Shown["runs"] } }>("{ runs(first: 50) { nodes { id status text } } }");
    const ended = (list: Shown["runs"]): Shown["runs"] => list.filter(({ id }) => id !== shown.cut.run);
    expect(ended(runs.nodes)).toEqual(ended(shown.runs).map((run) => ({ ...run, text: wellFormed(run.text) })));
  });

  it("goes on with the run that was cut, under a log without a gap", async () => {
    expect(await settled(shown.cut.run)).toMatchObject({ status: "SUCCEEDED" });
    const seqs: number[] = [];
    const socket = server.socket();
    const followed = socket.iterate<{ threadEvents: { seq: number; type: string } }>({
      query: "subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { seq type } }",
      variables: { thread: shown.cut.thread },
    });
    for await (const { data } of followed) {
      seqs.push(data?.threadEvents.seq ?? 0);
      if (data?.threadEvents.type === "run.finished") break;
    }
    await socket.dispose();
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it("still asks about the call that waited, and makes it once somebody approves", async () => {
    const asked = await server.graphql<{ interrupts: { nodes: { id: string; argumentsHash: string }[] } }>(
      "{ interrupts { nodes { id argumentsHash } } }",
    );
    const [interrupt] = asked.interrupts.nodes;
    const decided = await server.graphql<{ decideInterrupt: { __typename: string } }>(
      `mutation ($id: ID!, $hash: String!) {
        decideInterrupt(input: { interrupt: $id, kind: APPROVE, argumentsHash: $hash }) { __typename ... on UserError { message } }
      }`,
      { id: interrupt?.id, hash: interrupt?.argumentsHash },
    );
    expect(decided.decideInterrupt).toEqual({ __typename: "DecideInterruptPayload" });
    expect(await settled(shown.waiting.run)).toMatchObject({ status: "SUCCEEDED" });
  });

  it.runIf(workflows)("goes on with a workflow that waits for its signal, and with a paused one when somebody resumes it", async () => {
    const { waiting = "", paused = "", schedule = "" } = workflows ?? {};
    for (const run of [waiting, paused])
      await server.graphql('mutation ($run: ID!) { signalRun(run: $run, name: "go", payload: 5) { __typename } }', { run });
    expect(await settled(waiting)).toMatchObject({ status: "SUCCEEDED" });
    const found = await server.graphql<{ run: { status: string }; node: { name: string } }>(
      "query ($run: ID!, $schedule: ID!) { run(id: $run) { status } node(id: $schedule) { ... on Schedule { name } } }",
      { run: paused, schedule },
    );
    expect(found).toEqual({ run: { status: "PAUSED" }, node: { name: "Yearly" } });
    await server.graphql("mutation ($run: ID!) { resumeRun(run: $run) { __typename } }", { run: paused });
    expect(await settled(paused)).toMatchObject({ status: "SUCCEEDED" });
    const { run } = await server.graphql<{ run: { output: unknown } }>("query ($run: ID!) { run(id: $run) { output } }", { run: paused });
    expect(run.output).toEqual([2, [2, 4], 5]);
  });

  it("still has the bytes of its files", async () => {
    const file = shown.threads["file"]?.messages.flatMap(({ parts }) => parts).find((part) => part.__typename === "FilePart");
    const { node } = await server.graphql<{ node: { url: string } }>("query ($id: ID!) { node(id: $id) { ... on File { url } } }", {
      id: file?.file?.id,
    });
    const response = await fetch(new URL(node.url, server.url));
    expect(await response.text()).toBe("A tall loom");
  });
});

/** Moves the times of a database so that its newest run is of now: what was asked then has expired since, as it should. */
function moveToToday(file: string): void {
  using database = opened(file);
  const newest = database.prepare<[], { at: number }>("select max(created_at) as at from runs_run").get();
  const columns = database
    .prepare<[], { table: string; name: string }>(
      `select m.name as "table", c.name from sqlite_master m, pragma_table_info(m.name) c
       where m.type = 'table' and c.type = 'bigint' and (c.name = 'at' or c.name like '%\\_at' escape '\\' or c.name like '%\\_until' escape '\\')
       and m.name <> 'platform_stamp'`,
    )
    .all();
  const shift = Date.now() - (newest?.at ?? Number.NaN);
  for (const { table, name } of columns) database.prepare(`update ${table} set ${name} = ${name} + ?`).run(shift);
}

function opened(file: string): Database.Database & Disposable {
  const database = new Database(file);
  return Object.assign(database, { [Symbol.dispose]: () => void database.close() });
}

function wellFormed(value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}
