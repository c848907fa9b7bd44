import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunContext, RunEventBody, RunRequest } from "../../../src/core/index.ts";
import { files } from "../../../src/plugins/index.ts";
import { ada, admin, eventsUntil, local, type ChatPlatform } from "../chat/fixture.ts";
import { calling, echo, say, tool } from "../chat/play.ts";
import { ago, apply, applied, countOf, keepOnly, kept, preview, setPolicy } from "./world.ts";

let chat: ChatPlatform;
beforeEach(async () => void (chat = await kept({ play: { turn: echo, tools: [tool()] }, more: [files()] })));
afterEach(() => chat.app.close());

/** Runs the agent outside a thread, to the end. */
async function runOutside(text: string): Promise<string> {
  const { startRun } = await chat.app.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { agent: { name: "Weaver" } }, text } },
    ada,
  );
  await applied(chat.app, startRun.run.id, ada);
  return startRun.run.id;
}

const statusOf = async (id: string): Promise<string | undefined> =>
  (await chat.app.graphql<{ run: { status: string } | null }>("query ($id: ID!) { run(id: $id) { status } }", { id }, ada)).run?.status;

describe("runs outside threads", () => {
  it("go by count and by age, with their log, messages, calls and steps, and those of threads stay", async () => {
    chat.play.turn = calling("loom.weave");
    const gone = [await runOutside("one"), await runOutside("two")];
    chat.play.turn = echo;
    const stays = await runOutside("three");
    const thread = await chat.open();
    await chat.exchange(thread.id, "said");
    expect(await setPolicy(chat.app, { target: "RUNS", maxCount: 1 })).toMatchObject({ policy: { maxCount: 1 } });
    expect(await preview(chat.app)).toMatchObject([{ rows: 2 }]);
    const { job } = await apply(chat.app);
    expect(await applied(chat.app, job?.id)).toEqual({ removed: { RUNS: 2 } });
    for (const id of gone) expect(await statusOf(id)).toBeUndefined();
    expect(await statusOf(stays)).toBe("SUCCEEDED");
    expect(await chat.runsOf(thread.id)).toHaveLength(1);
    const ids = gone.map((id) => `'${local("Run", id)}'`).join(", ");
    for (const table of ["runs_message", "runs_step", "runs_tool_call", "runs_checkpoint"])
      expect(await countOf(chat.app, `${table} where run_id in (${ids})`), table).toBe(0);
    expect(await countOf(chat.app, `runs_stream where id in (${ids})`)).toBe(0);
    // Of what the job itself is there is one run more.
    await ago(chat.app, 86_400_000 * 40);
    expect(await keepOnly(chat.app, { target: "RUNS", maxCount: null, maxAge: "P30D" })).toEqual({ removed: { RUNS: 2 } });
    expect(await statusOf(stays)).toBeUndefined();
  });
});

describe("checkpoints", () => {
  it("go but for the newest of each run, from which it can still be retried with all of its state", async () => {
    const seen: unknown[] = [];
    chat.play.turn = async function* (_: RunRequest, { checkpoints }: RunContext): AsyncGenerator<RunEventBody> {
      const found = await checkpoints.get({});
      seen.push(found?.values);
      if (!found) {
        for (let n = 1; n <= 6; n++) {
          const [id, parent] = [`c${n}`, n === 1 ? {} : { parent: `c${n - 1}` }];
          const values = { list: Array.from({ length: n }, (__, at) => `item ${at}`), once: "kept" };
          await checkpoints.put({ id, ...parent, format: "loom/1", versions: { list: `${n}`, once: "1" }, values, data: null });
        }
      }
      yield* say(["done"]);
    };
    const run = await runOutside("work");
    expect(await countOf(chat.app, "runs_checkpoint")).toBe(6);
    await setPolicy(chat.app, { target: "CHECKPOINTS", maxCount: 4 });
    expect(await preview(chat.app)).toMatchObject([{ rows: 2 }]);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toEqual({ removed: { CHECKPOINTS: 2 } });
    await ago(chat.app, 86_400_000 * 10);
    expect(await keepOnly(chat.app, { target: "CHECKPOINTS", maxCount: null, maxAge: "P1D" })).toEqual({ removed: { CHECKPOINTS: 3 } });
    const { run: shown } = await chat.app.graphql<{ run: { checkpoints: { nodes: { id: string }[] } } }>(
      "query ($id: ID!) { run(id: $id) { checkpoints { nodes { id } } } }",
      { id: run },
      ada,
    );
    expect(shown.checkpoints.nodes).toHaveLength(1);
    const { retryRun } = await chat.app.graphql<{ retryRun: { run: { id: string } } }>(
      "mutation ($input: RetryRunInput!) { retryRun(input: $input) { ... on RetryRunPayload { run { id } } ... on UserError { message } } }",
      { input: { run, checkpoint: shown.checkpoints.nodes[0]?.id } },
      ada,
    );
    await applied(chat.app, retryRun.run.id, ada);
    expect(seen).toEqual([undefined, { list: Array.from({ length: 6 }, (_, at) => `item ${at}`), once: "kept" }]);
  });
});

describe("deltas", () => {
  it("go at the age that the tenant says, shorter or longer than the usual one, and the text stays", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "Hello");
    const deltas = "runs_event where kind = 'message.delta'";
    const before = await countOf(chat.app, deltas);
    expect(before).toBeGreaterThan(0);
    await setPolicy(chat.app, { target: "RUN_DELTAS", maxAge: "P7D" });
    await ago(chat.app, 86_400_000);
    expect(await preview(chat.app)).toMatchObject([{ rows: 0 }]);
    await applied(chat.app, (await apply(chat.app)).job?.id);
    expect(await countOf(chat.app, deltas)).toBe(before);
    await setPolicy(chat.app, { target: "RUN_DELTAS", maxAge: "PT1H" });
    expect(await preview(chat.app)).toMatchObject([{ rows: before, oldest: expect.any(String) }]);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toMatchObject({ removed: { RUN_DELTAS: before } });
    const [first] = await eventsUntil(chat.follow(thread.id, 1), () => true);
    expect(first).toMatchObject({ __typename: "ThreadSnapshotEvent" });
    expect((await chat.messages(thread.id))?.edges.at(-1)?.node.text).toBe("You said: Hello");
  });
});

describe("files and rows of audit", () => {
  it("go by policies of their own", async () => {
    const { createFile } = await chat.app.graphql<{ createFile: { file: { id: string } } }>(
      `mutation { createFile(input: { name: "a.txt", mediaType: "text/plain", size: 3 }) { ... on CreateFilePayload { file { id } } } }`,
      {},
      ada,
    );
    chat.play.turn = calling("loom.weave");
    await runOutside("call");
    expect(await countOf(chat.app, "runs_tool_call_audit")).toBe(1);
    await chat.app.platform.database.commit(({ sql }) => sql.run("update files_file set created_at = created_at - ?", 86_400_000 * 3));
    await setPolicy(chat.app, { target: "FILES", maxAge: "P2D" });
    expect(await preview(chat.app)).toMatchObject([{ rows: 1 }]);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toEqual({ removed: { FILES: 1 } });
    const { node } = await chat.app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: createFile.file.id }, ada);
    expect(node).toBeNull();
    await ago(chat.app, 86_400_000 * 3);
    expect(await keepOnly(chat.app, { target: "AUDIT", maxAge: "P2D" })).toEqual({ removed: { AUDIT: 1 } });
    expect(await countOf(chat.app, "runs_tool_call_audit")).toBe(0);
    expect(admin.roles).toContain("admin");
  });
});
