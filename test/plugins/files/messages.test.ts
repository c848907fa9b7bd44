import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { collect, type TestPlatform } from "../../../src/testing/index.ts";
import { create, end, filesPlatform, newThread, onDisk, say, send, uploaded, viewers } from "./fixture.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await filesPlatform({ perMessage: 2 });
});
afterAll(() => app.close());

const partsOf = `parts { __typename ... on TextPart { text } ... on FilePart { file { id name mediaType size } } }`;

interface Message {
  readonly id: string;
  readonly text: string;
  readonly parts: readonly { readonly __typename: string; readonly file?: { readonly id: string } | null }[];
}

async function messagesOf(thread: string): Promise<readonly Message[]> {
  const query = `query ($thread: ID!) { thread(id: $thread) { messages { nodes { id text ${partsOf} } } } }`;
  const data = await app.graphql<{ thread: { messages: { nodes: Message[] } } }>(query, { thread }, viewers.ada);
  return data.thread.messages.nodes;
}

async function change(name: string, field: string, args: Record<string, string>): Promise<string> {
  const declared = Object.keys(args).map((arg) => `$${arg}: ID!`);
  const passed = Object.keys(args).map((arg) => `${arg}: $${arg}`);
  const payload = name.charAt(0).toUpperCase() + name.slice(1);
  const mutation = `mutation (${declared.join(", ")}) { result: ${name}(${passed.join(", ")}) { ... on ${payload}Payload { ${field} } ... on UserError { message } } }`;
  return JSON.stringify(await app.graphql(mutation, args, viewers.ada));
}

const remove = (file: string, viewer = viewers.ada): Promise<unknown> =>
  app.graphql(
    `mutation ($file: ID!) { deleteFile(file: $file) { __typename ... on DeleteFilePayload { deletedFileId } ... on UserError { code path } } }`,
    { file },
    viewer,
  );

const idIn = (json: string): string => /"id":"([^"]+)"/.exec(json)?.[1] ?? json;

describe("a message with a file", () => {
  it("shows it in the thread, in a snapshot, and to the agent by its bytes", async () => {
    const file = await uploaded(app, "hello");
    const thread = await newThread(app);
    const run = await end(app, await say(app, thread, [{ text: "Read this" }, { file: file.id }]));
    expect(run.status).toBe("SUCCEEDED");
    expect(JSON.parse(run.text ?? "")).toEqual([
      {
        role: "USER",
        parts: [
          { type: "text", text: "Read this" },
          { name: "notes.txt", mediaType: "text/plain", size: 5, text: "hello", dataUrl: "data:text/plain;base64,aGVsbG8=" },
        ],
      },
    ]);
    const parts = [
      { __typename: "TextPart", text: "Read this" },
      { __typename: "FilePart", file: { id: file.id, name: "notes.txt", mediaType: "text/plain", size: 5 } },
    ];
    expect((await messagesOf(thread))[0]?.parts).toEqual(parts);
    const query = `subscription ($thread: ID!) { threadEvents(thread: $thread) { ... on SnapshotEvent { messages { ${partsOf} } } } }`;
    const [first] = await collect(app.subscribe<{ threadEvents: { messages: Message[] } }>(query, { thread }, viewers.ada), {
      until: () => true,
    });
    expect(first?.threadEvents.messages[0]?.parts).toEqual(parts);
  });

  it("may be a file alone, and holds several in their order", async () => {
    const [a, b] = [await uploaded(app, "a", "a.txt"), await uploaded(app, "b", "b.txt")];
    const thread = await newThread(app);
    const run = await end(app, await say(app, thread, [{ file: b.id }, { text: "and" }, { file: a.id }]));
    expect(run.text).toMatch(/b\.txt.*and.*a\.txt/);
  });

  it("is refused for a file that is not there, not the viewer's, not uploaded, or one too many, and nothing is added", async () => {
    const mine = await uploaded(app);
    const pending = await create(app);
    const foreign = await create(app, {}, viewers.bob);
    const thread = await newThread(app);
    const refused = async (parts: readonly object[]) => {
      const { __typename, code, path } = await say(app, thread, parts);
      return [__typename, code, path?.join(".")];
    };
    expect(await refused([{ text: "See" }, { file: foreign.file.id }])).toEqual(["NotFoundError", "NOT_FOUND", "input.parts.1.file"]);
    expect(await refused([{ file: thread }])).toEqual(["InvalidInputError", "INVALID_ID", "input.parts.0.file"]);
    expect(await refused([{ file: pending.file.id }])).toEqual(["ConflictError", "CONFLICT", "input.parts.0.file"]);
    expect(await refused(Array.from({ length: 3 }, () => ({ file: mine.id })))).toEqual([
      "InvalidInputError",
      "INVALID_INPUT",
      "input.parts",
    ]);
    expect(await messagesOf(thread)).toEqual([]);
  });

  it("fails the run of a framework that takes no files, which says so, and is told to one that does", async () => {
    const file = await uploaded(app, "hello", "photo.png", "application/x-photo");
    const thread = await newThread(app, "blind");
    const run = await end(app, await say(app, thread, [{ text: "Look" }, { file: file.id }]));
    expect(run).toMatchObject({ status: "FAILED", failure: { code: "FILE_UNSUPPORTED", retryable: false } });
    expect(run.failure?.message).toBe(
      'The file "photo.png" (application/x-photo) cannot be taken: The framework blind takes no such files.',
    );
  });
});

describe("a model", () => {
  it("is shown pictures, and says so where it is the simulated one", async () => {
    await using own = await filesPlatform();
    await own.graphql('mutation { createAgent(input: { name: "seer", framework: "openai" }) { __typename } }', {}, viewers.ada);
    const picture = await uploaded(own, "GIF89a and more", "loom.gif", "image/gif");
    const paper = await uploaded(own, "%PDF-1.7", "Ü.pdf", "application/pdf");
    const run = await end(own, await say(own, await newThread(own, "seer"), [{ text: "Look." }, { file: picture.id }, { file: paper.id }]));
    expect(run.text).toContain("I got a picture (image/gif, 15 bytes) and Ü.pdf (application/pdf, 8 bytes)");
    const archive = await uploaded(own, "PK", "a.zip", "application/zip");
    const refused = await end(own, await say(own, await newThread(own, "seer"), [{ file: archive.id }]));
    expect(refused).toMatchObject({ status: "FAILED", failure: { code: "FILE_UNSUPPORTED", retryable: false } });
  });
});

describe("a file that a thread holds", () => {
  it("stays in a fork when the first thread is cleared, and goes with the last that holds it", async () => {
    const file = await uploaded(app, "held");
    const thread = await newThread(app);
    await end(app, await say(app, thread, [{ file: file.id }]));
    const [message] = await messagesOf(thread);
    const fork = idIn(await change("forkThread", "thread { id }", { thread, at: message?.id ?? "" }));
    expect((await messagesOf(fork))[0]?.parts).toMatchObject([{ __typename: "FilePart", file: { id: file.id } }]);

    const local = file.url.split("/").at(-1) ?? "";
    await change("clearThread", "thread { id }", { thread });
    expect(await (await send(app, file.url)).text()).toBe("held");
    await change("deleteThread", "deletedThreadId", { thread: fork });
    expect((await send(app, file.url)).status).toBe(404);
    while ((await onDisk(app)).includes(local)) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("is read again for an answer given anew and after a restart", async () => {
    await using own = await filesPlatform();
    const file = await uploaded(own, "kept");
    const thread = await newThread(own);
    await end(own, await say(own, thread, [{ file: file.id }]));
    await own.restart();
    expect((await end(own, await say(own, thread, [{ text: "Again" }]))).text).toContain('"text":"kept"');
  });
});

describe("a file that is deleted", () => {
  it("is gone with its bytes, stays by its name in messages, and its thread goes on", async () => {
    const file = await uploaded(app, "hello", "Bericht Ä.txt");
    const thread = await newThread(app);
    await end(app, await say(app, thread, [{ text: "Read this" }, { file: file.id }]));
    const id = Buffer.from(file.id, "base64url").toString().replace("File:", "");
    expect(await onDisk(app)).toContain(id);

    expect(await remove(file.id)).toEqual({ deleteFile: { __typename: "DeleteFilePayload", deletedFileId: file.id } });
    await vi.waitFor(async () => expect(await onDisk(app)).not.toContain(id));
    expect((await send(app, file.url)).status).toBe(404);
    const gone = { __typename: "NotFoundError", code: "NOT_FOUND", path: ["file"] };
    expect(await remove(file.id)).toEqual({ deleteFile: gone });
    const query = `query ($thread: ID!) { thread(id: $thread) { messages(first: 1) { nodes { parts { ... on FilePart { file { id } name mediaType size } } } } } }`;
    expect(await app.graphql(query, { thread }, viewers.ada)).toEqual({
      thread: { messages: { nodes: [{ parts: [{}, { file: null, name: "Bericht Ä.txt", mediaType: "text/plain", size: 5 }] }] } },
    });

    const again = await end(app, await say(app, thread, [{ text: "And now?" }]));
    expect(again).toMatchObject({ status: "SUCCEEDED", failure: null });
    expect(JSON.parse(again.text ?? "")[0].parts[1]).toEqual({
      type: "text",
      text: '[The file "Bericht Ä.txt" (text/plain, 5 bytes) was deleted and can no longer be read.]',
    });
    expect(await say(app, thread, [{ file: file.id }])).toMatchObject({
      __typename: "NotFoundError",
      path: ["input", "parts", "0", "file"],
    });
  });

  it("is deleted by its owner alone", async () => {
    const file = await uploaded(app);
    expect(await remove(file.id, viewers.bob)).toEqual({ deleteFile: { __typename: "NotFoundError", code: "NOT_FOUND", path: ["file"] } });
    expect(await remove("nonsense")).toMatchObject({ deleteFile: { __typename: "InvalidInputError", path: ["file"] } });
    expect((await send(app, file.url)).status).toBe(200);
  });
});

describe("the list of files", () => {
  const list = async (args = "", viewer = viewers.ada): Promise<readonly string[]> => {
    const query = `{ files${args} { nodes { name } totalCount } }`;
    const { files } = await app.graphql<{ files: { nodes: { name: string }[] } }>(query, {}, viewer);
    return files.nodes.map(({ name }) => name);
  };

  it("is the viewer's, newest first, and searched by name in any case", async () => {
    for (const name of ["Über 100%.txt", "über uns.txt", "plain.txt"]) await create(app, { name });
    expect((await list("(first: 3)")).slice(0, 3)).toEqual(["plain.txt", "über uns.txt", "Über 100%.txt"]);
    expect(await list('(search: "ÜBER")')).toEqual(["über uns.txt", "Über 100%.txt"]);
    expect(await list('(search: "0%")')).toEqual(["Über 100%.txt"]);
    expect(await list('(search: "_")')).toEqual([]);
    expect(await list("", viewers.bob)).not.toContain("plain.txt");
    await expect(list(`(search: "${"x".repeat(256)}")`)).rejects.toThrow(/255 characters/);
  });
});
