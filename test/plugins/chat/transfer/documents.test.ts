import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Viewer } from "#weftline";
import type { ThreadDocument } from "../../../../src/plugins/chat/transfer/document.ts";
import { root, weftline } from "../../../cli/terminal.ts";
import { ada, bob, eve, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const as: World["as"] = (...args) => world.as(...args);
const write: World["write"] = (...args) => world.write(...args);
const read: World["read"] = (...args) => world.read(...args);
const totals: World["totals"] = () => world.totals();

/** A document with one of everything. */
const document: ThreadDocument = {
  format: "weftline-thread",
  version: 1,
  thread: { title: "Looms", createdAt: "2024-03-01T10:00:00.000Z", archived: true, agent: "weaver", metadata: { from: "a test" } },
  messages: [
    {
      role: "USER",
      createdAt: "2024-03-01T10:00:01.000Z",
      status: "COMPLETE",
      parts: [
        { type: "text", text: "What is a weft?" },
        { type: "file", file: "f1" },
      ],
    },
    {
      role: "ASSISTANT",
      createdAt: "2024-03-01T10:00:02.000Z",
      status: "FAILED",
      provenance: "LIVE",
      agent: "weaver",
      supersededBy: 2,
      parts: [{ type: "text", text: "It is" }],
    },
    {
      role: "ASSISTANT",
      createdAt: "2024-03-01T10:00:03.000Z",
      status: "COMPLETE",
      provenance: "LIVE",
      agent: "weaver",
      parts: [
        { type: "reasoning", text: "Threads cross." },
        { type: "toolCall", name: "loom.look", status: "SUCCESS", arguments: { at: 1 }, result: { threads: 2 } },
        { type: "text", text: "The thread that crosses." },
      ],
    },
  ],
  files: { f1: { name: "loom.txt", mediaType: "text/plain", size: 4, content: Buffer.from("loom").toString("base64") } },
};

describe("an imported thread", () => {
  it("belongs to who imports it, with all that the document says and answers REPLAYED, and is not imported twice", async () => {
    const file = write(JSON.stringify(document));
    const ran = await as(ada, "import", file);
    expect(ran).toMatchObject({ code: 0, said: "✓ Imported 1, here already 0, refused 0.\n" });
    const id = ran.out.trim();
    const thread = await read(id);
    expect(thread).toMatchObject({ title: "Looms", createdAt: "2024-03-01T10:00:00.000Z", archived: true, agent: { name: "weaver" } });
    const [asked, failed, answer] = thread?.messages.nodes ?? [];
    expect(asked).toMatchObject({ role: "USER", text: "What is a weft?", createdAt: "2024-03-01T10:00:01.000Z", provenance: null });
    expect(failed).toMatchObject({ provenance: "REPLAYED", supersededBy: { id: answer?.id } });
    expect(answer).toMatchObject({ text: "The thread that crosses.", provenance: "REPLAYED", supersededBy: null });
    expect(answer?.parts[1]).toMatchObject({ name: "toolCall", data: { name: "loom.look", arguments: { at: 1 }, result: { threads: 2 } } });
    const url = asked?.parts[1]?.file?.url ?? "";
    const bytes = await fetch(new URL(url, world.app.url), { headers: { authorization: "Bearer ada" } });
    expect(await bytes.text()).toBe("loom");
    for (const stranger of [bob, eve]) expect(await read(id, stranger)).toBeNull();

    const before = await totals();
    const again = await as(ada, "import", file);
    expect(again).toMatchObject({ code: 0, out: "", said: expect.stringContaining(`is here already: ${id}`) });
    expect(await totals()).toBe(before);
    // Another viewer has one of its own, and once it is deleted it may come again.
    expect((await as(eve, "import", file)).said).toContain("Imported 1");
    await world.app.graphql("mutation ($id: ID!) { deleteThread(thread: $id) { __typename } }", { id }, ada);
    expect((await as(ada, "import", file)).said).toContain("Imported 1");
  });

  it("goes on: its agent answers in it", async () => {
    const id = (
      await as(ada, "import", write(JSON.stringify({ ...document, thread: { ...document.thread, archived: false, title: "Goes on" } })))
    ).out.trim();
    await world.app.graphql('mutation ($id: ID!) { sendMessage(input: { thread: $id, text: "And a warp?" }) { __typename } }', { id }, ada);
    await expect.poll(async () => (await read(id))?.messages.nodes.at(-1)?.text).toBe("An answer.");
  });

  it("comes back from an export as it was", async () => {
    const id = (await as(ada, "import", write(JSON.stringify({ ...document, thread: { ...document.thread, title: "Round" } })))).out.trim();
    const out = join(world.folder, "round.json");
    expect(await as(ada, "export", "thread", id, "--out", out)).toMatchObject({
      code: 0,
      out: "",
      said: expect.stringContaining("3 messages and 1 files"),
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(await as(ada, "export", "thread", id, "--out", out)).toMatchObject({
      code: 1,
      said: expect.stringContaining("is there already"),
    });
    const exported = JSON.parse(readFileSync(out, "utf8")) as ThreadDocument;
    expect(exported.messages.map(({ role, supersededBy }) => [role, supersededBy])).toEqual([
      ["USER", undefined],
      ["ASSISTANT", 2],
      ["ASSISTANT", undefined],
    ]);
    expect(Object.values(exported.files)).toMatchObject([{ name: "loom.txt", content: Buffer.from("loom").toString("base64") }]);
    const again = (await as(ada, "import", out)).out.trim();
    const texts = async (thread: string) => (await read(thread))?.messages.nodes.map(({ text, createdAt }) => [text, createdAt]);
    expect(await texts(again)).toEqual(await texts(id));
    // Standard output holds the same document.
    const printed = await as(ada, "export", "thread", id, "--no-files");
    expect((JSON.parse(printed.out) as ThreadDocument).files).not.toHaveProperty("content");
    for (const stranger of [bob, eve])
      expect(await as(stranger, "export", "thread", id)).toMatchObject({ code: 1, out: "", said: expect.stringContaining("NOT_FOUND") });
  });

  it("comes back with a title that is as long as a title may be", async () => {
    const title = "🧵".repeat(200);
    const made = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
      "mutation ($title: String) { createThread(input: { title: $title }) { ... on CreateThreadPayload { thread { id } } } }",
      { title },
      ada,
    );
    const out = join(world.folder, "long-title.json");
    expect(await as(ada, "export", "thread", made.createThread.thread.id, "--out", out)).toMatchObject({ code: 0 });
    const ran = await as(ada, "import", out);
    expect(ran, ran.said).toMatchObject({ code: 0 });
    expect((await read(ran.out.trim()))?.title).toBe(title);
  });

  it("of many messages comes in batches", async () => {
    const messages = Array.from({ length: 300 }, (_, index) => ({
      role: index % 2 === 0 ? "USER" : "ASSISTANT",
      createdAt: new Date(1.7e12 + index * 1_000).toISOString(),
      parts: [{ type: "text", text: `${index} ${"x".repeat(5_000)}` }],
    }));
    const ran = await as(ada, "import", write(JSON.stringify({ ...document, messages, files: {} })));
    expect(ran.code, ran.said).toBe(0);
    const shown = await as(ada, "export", "thread", ran.out.trim());
    expect(
      (JSON.parse(shown.out) as ThreadDocument).messages.map(({ parts: [part] }) =>
        part?.type === "text" ? Number.parseInt(part.text, 10) : -1,
      ),
    ).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  it.each([
    { what: "is no JSON", text: "{", says: /it is not JSON/ },
    { what: "is of another format", text: '{"format":"other"}', says: /format: it is neither/ },
    { what: "is of a later version", text: JSON.stringify({ ...document, version: 2 }), says: /version: / },
    {
      what: "has a part of no kind",
      text: JSON.stringify({ ...document, messages: [{ ...document.messages[0], parts: [{ type: "odd" }] }] }),
      says: /messages\[0\]\.parts\[0\]/,
    },
    {
      what: "names a file that it does not hold",
      text: JSON.stringify({ ...document, files: {} }),
      says: /messages\[0\]\.parts\[1\]\.file: There is no file/,
    },
    {
      what: "replaces a message by an earlier one",
      text: JSON.stringify({ ...document, messages: document.messages.map((each) => ({ ...each, supersededBy: 0 })) }),
      says: /supersededBy: It names no later message/,
    },
    {
      what: "is of a later version",
      text: JSON.stringify({ ...document, version: 2 }),
      says: /version: The document is of a later version of Weftline/,
    },
    {
      what: "has more metadata than a thread may have",
      text: JSON.stringify({ ...document, thread: { ...document.thread, metadata: { a: "x".repeat(20_000) } } }),
      says: /thread\.metadata: At most 16384 bytes/,
    },
    {
      what: "has a title that nobody sees",
      text: JSON.stringify({ ...document, thread: { ...document.thread, title: " " } }),
      says: /thread\.title/,
    },
    {
      what: "has a time that is none",
      text: JSON.stringify({ ...document, thread: { ...document.thread, createdAt: "yesterday" } }),
      says: /thread\.createdAt/,
    },
    {
      what: "nests deeper than the stack",
      text: JSON.stringify({
        ...document,
        messages: [{ ...document.messages[0], parts: [{ type: "data", name: "x", data: "DEEP" }] }],
        files: {},
      }).replace('"DEEP"', `${"[".repeat(100_000)}${"]".repeat(100_000)}`),
      says: /nests/,
    },
  ])("is refused whole where its document $what", async ({ text, says }) => {
    const before = await totals();
    const file = write(text);
    const ran = await as(ada, "import", file);
    expect([ran.code, ran.out]).toEqual([1, ""]);
    expect(ran.said).toContain(file);
    expect(ran.said).toMatch(says);
    expect(await totals()).toBe(before);
  });

  it("needs an admin, who starts jobs", async () => {
    expect(await as(bob, "import", write(JSON.stringify(document)))).toMatchObject({
      code: 1,
      said: expect.stringContaining("the token of an admin"),
    });
  });

  it("is refused by the server, too, one document for itself, whatever a client sends", async () => {
    const lines = [
      "not json",
      JSON.stringify({ key: "a", document: { format: "weftline-thread" } }),
      JSON.stringify({
        key: "b",
        document: { ...document, files: { f1: { name: "x", mediaType: "text/plain", size: 1, file: "RmlsZTpub3BlLW5vcGU" } } },
      }),
      JSON.stringify({ key: "c", document: { ...document, messages: [], files: {} } }),
    ].join("\n");
    const created = await world.app.graphql<{ createFile: { uploadUrl: string; file: { id: string } } }>(
      'mutation ($size: SafeInt!) { createFile(input: { name: "i.jsonl", mediaType: "application/x-ndjson", size: $size }) { ... on CreateFilePayload { uploadUrl file { id } } } }',
      { size: Buffer.byteLength(lines) },
      ada,
    );
    await fetch(new URL(created.createFile.uploadUrl, world.app.url), {
      method: "PUT",
      body: lines,
      headers: { authorization: "Bearer ada", "content-type": "application/x-ndjson" },
    });
    const start = (viewer: Viewer) =>
      world.app.graphql<{ startJob: { run?: { id: string } } }>(
        'mutation ($input: JSON) { startJob(input: { job: "chat.import", input: $input }) { ... on StartJobPayload { run { id } } } }',
        { input: { file: created.createFile.file.id } },
        viewer,
      );
    const ended = async (viewer: Viewer) => {
      const { startJob } = await start(viewer);
      const run = async () =>
        (
          await world.app.graphql<{
            run: { status: string; output: { outcomes: { outcome: string; reason?: string }[] } | null; failure: { code: string } | null };
          }>("query ($id: ID!) { run(id: $id) { status output failure { code } } }", { id: startJob.run?.id }, viewer)
        ).run;
      await expect.poll(async () => (await run()).status).toMatch(/SUCCEEDED|FAILED/);
      return run();
    };
    expect((await ended(ada)).output?.outcomes).toMatchObject([
      { outcome: "refused", reason: "The line is not JSON." },
      { outcome: "refused" },
      { outcome: "refused", reason: expect.stringContaining("no such file") },
      { outcome: "imported" },
    ]);
    // The file of another tenant is none.
    expect(await ended(eve)).toMatchObject({ status: "FAILED", output: null });
  });
});

describe("an agent", () => {
  it("comes back from an export, once, under its name or another", async () => {
    const input = {
      name: "carder",
      framework: "fake",
      instructions: "Card.",
      capabilities: ["time.now"],
      options: {},
      toolPolicies: [{ tool: "time.now", approval: "ALWAYS" }],
    };
    await world.app.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input }, ada);
    const exported = await as(ada, "export", "agent", "carder");
    expect(JSON.parse(exported.out)).toMatchObject({
      format: "weftline-agent",
      version: 1,
      agent: { name: "carder", instructions: "Card.", capabilities: ["time.now"] },
    });
    const file = write(exported.out);
    expect(await as(ada, "import", file)).toMatchObject({ code: 0, said: expect.stringContaining("is here already") });
    const renamed = await as(ada, "import", file, "--name", "spinner");
    expect(renamed, renamed.said).toMatchObject({ code: 0, said: expect.stringContaining("Imported the agent spinner") });
    expect(await as(ada, "import", file, "--name", "spinner")).toMatchObject({
      code: 0,
      out: "",
      said: expect.stringContaining("is here already"),
    });
    expect(JSON.parse((await as(ada, "export", "agent", "spinner")).out)).toMatchObject({
      agent: { toolPolicies: [{ tool: "time.now", approval: "ALWAYS" }] },
    });
    const other = write(exported.out.replace('"Card."', '"Card differently."'));
    expect(await as(ada, "import", other)).toMatchObject({ code: 1, said: expect.stringMatching(/another agent named carder.*--name/s) });
    expect((await as(eve, "import", file)).code).toBe(0);
    expect(await as(ada, "export", "agent", "nobody")).toMatchObject({ code: 1, said: expect.stringContaining("NOT_FOUND") });
    expect(await as(ada, "import", write(exported.out.replace('"fake"', '"nowhere"')), "--name", "odd")).toMatchObject({ code: 1 });
  });
});

it.each(["thread", "agent"])("the schema of a document of a %s stands in the docs", async (kind) => {
  const printed = await weftline("export", "schema", kind);
  expect(printed.code).toBe(0);
  expect(JSON.parse(readFileSync(join(root, `docs/${kind}-document.schema.json`), "utf8"))).toEqual(JSON.parse(printed.out));
});
