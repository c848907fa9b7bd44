import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { weftline } from "../../../cli/terminal.ts";
import { ada, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const as: World["as"] = (...args) => world.as(...args);
const write: World["write"] = (...args) => world.write(...args);
const read: World["read"] = (...args) => world.read(...args);

interface Said {
  readonly role?: string;
  readonly parent?: string | null;
  readonly content?: object;
  readonly more?: object;
}

/** A conversation as ChatGPT exports it. */
function conversation(id: string, nodes: Record<string, Said | null>, current = Object.keys(nodes).at(-1) ?? ""): object {
  const ids = Object.keys(nodes);
  const parentOf = (node: string): string | null => {
    const said = nodes[node];
    if (said?.parent !== undefined) return said.parent;
    return ids[ids.indexOf(node) - 1] ?? null;
  };
  const mapping = Object.fromEntries(
    ids.map((node, at) => {
      const said = nodes[node];
      const message = said?.role
        ? {
            id: node,
            author: { role: said.role, name: null, metadata: {} },
            create_time: 1_700_000_000.5 + at,
            content: said.content,
            status: "finished_successfully",
            metadata: {},
            recipient: "all",
            ...said.more,
          }
        : null;
      return [node, { id: node, message, parent: parentOf(node), children: ids.filter((each) => parentOf(each) === node) }];
    }),
  );
  return {
    title: `Talk ${id}`,
    create_time: 1_700_000_000.123,
    update_time: 1_700_000_100,
    mapping,
    moderation_results: [],
    current_node: current,
    conversation_id: id,
    id,
  };
}

const text = (...parts: unknown[]): object => ({ content_type: "text", parts });

const looms = conversation("looms", {
  root: null,
  system: { role: "system", content: text(""), more: { metadata: { is_visually_hidden_from_conversation: true } } },
  ask: { role: "user", content: text("What is a weft?") },
  first: { role: "assistant", content: text("A dog."), more: { metadata: { model_slug: "gpt-4o" } } },
  second: { role: "assistant", parent: "ask", content: text("A thread that crosses."), more: { metadata: { model_slug: "gpt-4o" } } },
  picture: {
    role: "user",
    content: {
      content_type: "multimodal_text",
      parts: [
        { content_type: "image_asset_pointer", asset_pointer: "file-service://file-abc", size_bytes: 12_345, width: 1, height: 1 },
        "And this?",
      ],
    },
  },
  call: { role: "assistant", content: { content_type: "code", language: "unknown", text: "print(1)" }, more: { recipient: "python" } },
  output: {
    role: "tool",
    content: { content_type: "execution_output", text: "1" },
    more: { author: { role: "tool", name: "python", metadata: {} } },
  },
  thoughts: { role: "assistant", content: { content_type: "thoughts", thoughts: [{ summary: "Looking", content: "at the picture" }] } },
  empty: { role: "assistant", content: text("") },
  odd: { role: "assistant", content: { content_type: "never_seen_before", blob: 1 } },
  end: { role: "assistant", content: text("It is a loom.", " \uD83D") },
});

describe("conversations of ChatGPT", () => {
  it("come in on the branch that was last shown, with their times, calls and pictures by name, and one that is broken takes only itself", async () => {
    const file = write(
      JSON.stringify([looms, { title: "broken" }, 5, conversation("short", { ask: { role: "user", content: text("Hi") } })]),
      "conversations.json",
    );
    const ran = await as(ada, "import", file, "--json", "--agent", "weaver");
    const lines = ran.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { outcome: string; name: string; thread?: string; reason?: string });
    expect(ran.code).toBe(1);
    expect(new Map(lines.map(({ name, outcome }) => [name, outcome]))).toEqual(
      new Map([
        ["[0] Talk looms", "imported"],
        ["[1]", "refused"],
        ["[2]", "refused"],
        ["[3] Talk short", "imported"],
      ]),
    );
    expect(ran.said).toContain("[1]: it has no messages (mapping)");
    expect(ran.said).toContain("Messages of other branches that were left out: 1.");
    const thread = await read(lines.find(({ name }) => name.startsWith("[0]"))?.thread ?? "");
    expect(thread).toMatchObject({ title: "Talk looms", createdAt: "2023-11-14T22:13:20.123Z", agent: { name: "weaver" } });
    const messages = thread?.messages.nodes ?? [];
    expect(messages.map(({ role, text: said }) => [role, said])).toEqual([
      ["USER", "What is a weft?"],
      ["ASSISTANT", "A thread that crosses."],
      ["USER", "And this?"],
      ["ASSISTANT", ""],
      ["SYSTEM", ""],
      ["ASSISTANT", ""],
      ["ASSISTANT", "It is a loom. \uFFFD"],
    ]);
    expect(messages[1]).toMatchObject({ createdAt: "2023-11-14T22:13:24.500Z", provenance: "REPLAYED" });
    expect(messages[2]?.parts[0]).toMatchObject({ name: "missingFile", data: { name: "file-service://file-abc", size: 12_345 } });
    expect(messages[3]?.parts).toMatchObject([{ name: "toolCall", data: { name: "python", arguments: { input: "print(1)" } } }]);
    expect(messages[4]?.parts).toMatchObject([{ name: "toolCall", data: { name: "python", result: "1" } }]);
    const again = await as(ada, "import", file);
    expect(again.said).toMatch(/Imported 0, here already 2, refused 2/);
  });

  it("come out of the zip file as it was sent", async () => {
    const json = JSON.stringify([conversation("zipped", { ask: { role: "user", content: text("From a zip") } })]);
    const ran = await as(ada, "import", write(zipOf({ "chat.html": "<p>", "conversations.json": json }), "export.zip"));
    expect(ran, ran.said).toMatchObject({ code: 0, said: expect.stringContaining("Imported 1") });
    expect(await as(ada, "import", write(zipOf({ "chat.html": "<p>" }), "other.zip"))).toMatchObject({
      code: 1,
      said: expect.stringContaining("holds no conversations.json"),
    });
    expect(await as(ada, "import", write(zipOf({ "conversations.json": json }).subarray(0, 60), "cut.zip"))).toMatchObject({
      code: 1,
      said: expect.stringContaining("no zip archive, or not whole"),
    });
  });

  it("bring the pictures of the zip file along, and leave out what the server does not take", async () => {
    const picture = (pointer: string): object => ({ content_type: "image_asset_pointer", asset_pointer: pointer, size_bytes: 3 });
    const nodes = {
      ask: {
        role: "user",
        content: {
          content_type: "multimodal_text",
          parts: [picture("file-service://file-one"), picture("sediment://file_two"), picture("file-service://file-gone"), "Look"],
        },
      },
    };
    const archive = zipOf({
      "conversations.json": JSON.stringify([conversation("pictures", nodes)]),
      "file-one-loom.txt": "a loom",
      "dalle/file_two-fake.png": "no picture",
      "file-one2-other.txt": "another",
    });
    const ran = await as(ada, "import", write(archive, "pictures.zip"));
    expect(ran, ran.said).toMatchObject({ code: 0, said: expect.stringMatching(/! The file fake\.png was refused: .*It is left out\./) });
    const parts = (await read(ran.out.trim()))?.messages.nodes[0]?.parts ?? [];
    expect(parts.map(({ type, name, fileName }) => [type, fileName ?? name])).toEqual([
      ["FilePart", "loom.txt"],
      ["DataPart", "missingFile"],
      ["DataPart", "missingFile"],
      ["TextPart", undefined],
    ]);
    const response = await fetch(new URL(parts[0]?.file?.url ?? "", world.app.url), { headers: { authorization: "Bearer ada" } });
    expect(await response.text()).toBe("a loom");
  });

  it("come in by hundreds, and what was read before the file breaks off stays", async () => {
    const many = Array.from({ length: 230 }, (_, at) =>
      conversation(`many-${at}`, {
        ask: { role: "user", content: text(`Question ${at}`) },
        answer: { role: "assistant", content: text("Yes.") },
      }),
    );
    const whole = JSON.stringify(many);
    const broken = await as(ada, "import", write(whole.slice(0, -200), "conversations.json"));
    expect(broken.code).toBe(1);
    expect(broken.said).toMatch(/Imported 229, here already 0, refused 0/);
    expect(broken.said).toContain("It ends in the middle of the array.");
    const ran = await as(ada, "import", write(whole, "conversations.json"));
    expect(ran.said).toMatch(/Imported 1, here already 229, refused 0/);
  });
});

describe("conversations of ChatGPT that are odd", () => {
  const asked = (id: string, more: object = {}): object => ({
    ...conversation(id, { ask: { role: "user", content: text("Hi") } }),
    ...more,
  });

  it("take only themselves where they nest too deep", async () => {
    const deep = `{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    const ran = await as(
      ada,
      "import",
      write(`[${JSON.stringify(asked("shallow-1"))},${deep},${JSON.stringify(asked("shallow-2"))}]`, "conversations.json"),
    );
    expect([ran.code, ran.out.trim().split("\n").length]).toEqual([1, 2]);
    expect(ran.said).toContain("[1]: it nests deeper than 200 levels");
    expect(ran.said).toContain("Imported 2, here already 0, refused 1.");
  });

  it.each([
    { what: "as text", id: "dated", more: { create_time: "2024-02-03T04:05:06Z" }, createdAt: "2024-02-03T04:05:06.000Z" },
    { what: "missing, and its first message has one", id: "undated", more: { create_time: null }, createdAt: "2023-11-14T22:13:20.500Z" },
    { what: "no time at all", id: "misdated", more: { create_time: "yesterday" }, createdAt: "2023-11-14T22:13:20.500Z" },
    { what: "in milliseconds", id: "late", more: { create_time: 1_700_000_000_000 }, createdAt: "2023-11-14T22:13:20.500Z" },
  ])("come in where their time is $what", async ({ id, more, createdAt }) => {
    const ran = await as(ada, "import", write(JSON.stringify([asked(id, more)]), "conversations.json"));
    expect(ran, ran.said).toMatchObject({ code: 0 });
    expect(await read(ran.out.trim())).toMatchObject({ title: `Talk ${id}`, createdAt });
  });

  it("say of how many texts only the beginning came in", async () => {
    const long = conversation("long", { ask: { role: "user", content: text("x".repeat(2_500_000)) } });
    const ran = await as(ada, "import", write(JSON.stringify([long, asked("not-long")]), "conversations.json"));
    expect(ran.said).toContain("Texts that were cut after 2,000,000 characters: 1.");
  });

  it("keep a title of 200 characters, whatever they are, and move no cursor with it", async () => {
    const title = "🧵".repeat(300);
    const ran = await as(ada, "import", write(JSON.stringify([asked("titled", { title })]), "conversations.json"));
    expect((await read(ran.out.trim()))?.title).toBe("🧵".repeat(200));
    const again = await as(
      ada,
      "import",
      write(JSON.stringify([asked("titled", { title: "\u001b[2J\u001b]0;gone\u0007" })]), "conversations.json"),
    );
    expect(again.said).toContain("is here already");
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    expect(again.said).not.toMatch(/\u001b(?!\[[\d;]*m)|\u0007/);
  });

  it("are not said to be imported where the server goes away", async () => {
    const many = Array.from({ length: 101 }, (_, at) => asked(`nowhere-${at}`));
    const ran = await weftline("import", write(JSON.stringify(many), "conversations.json"), "--url", "http://127.0.0.1:1/graphql");
    expect([ran.code, ran.out]).toEqual([1, ""]);
    expect(ran.said).toContain("The import broke off.");
    expect(ran.said).toContain("[UNAVAILABLE]");
    expect(ran.said).not.toContain("Imported");
  });

  it("are none in an archive of nothing", async () => {
    expect(await as(ada, "import", write(zipOf({}), "empty.zip"))).toMatchObject({
      code: 1,
      said: expect.stringContaining("holds no conversations.json"),
    });
  });
});

/** An archive of packed files. */
function zipOf(entries: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const [packed, bytes] = [deflateRawSync(content), Buffer.from(name)];
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    local.writeUInt16LE(bytes.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(8, 10);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(Buffer.byteLength(content), 24);
    central.writeUInt16LE(bytes.length, 28);
    central.writeUInt32LE(offset, 42);
    parts.push(local, bytes, packed);
    directory.push(central, bytes);
    offset += local.length + bytes.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
