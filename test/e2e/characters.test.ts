import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents, auth, capabilities, chat, example, files, models, openai, simulated } from "../../src/plugins/index.ts";
import { testPlatform, type TestPlatform } from "../../src/testing/index.ts";

interface Answer {
  readonly __typename: string;
  readonly path?: readonly string[];
  readonly message?: string;
}

/** A field that takes so many characters, and how to fill it. */
interface Field {
  readonly name: string;
  readonly most: number;
  readonly path: readonly string[];
  readonly isOptional?: boolean;
  fill(text: string): Promise<Answer>;
}

let app: TestPlatform;

beforeAll(async () => {
  app = await testPlatform({ plugins: [auth(), models(), simulated(), openai(), agents(), capabilities(), chat(), files(), example()] });
});
afterAll(() => app.close());

const inputs = {
  createAgent: "CreateAgentInput!",
  createThread: "CreateThreadInput!",
  createFile: "CreateFileInput!",
  exampleAddNote: "ExampleAddNoteInput!",
};

async function mutate(name: keyof typeof inputs, input: Record<string, unknown>): Promise<Answer> {
  const query = `mutation ($input: ${inputs[name]}) { ${name}(input: $input) { __typename ... on UserError { path message } } }`;
  return (await app.graphql<Record<string, Answer>>(query, { input }))[name] as Answer;
}

let made = 0;
const agent = (fields: Record<string, unknown>) => mutate("createAgent", { name: `agent ${(made += 1)}`, framework: "openai", ...fields });
const at = (field: string) => ["input", field];

const fields: readonly Field[] = [
  { name: "an agent's name", most: 100, path: at("name"), fill: (name) => agent({ name }) },
  { name: "an agent's description", most: 2_000, path: at("description"), isOptional: true, fill: (text) => agent({ description: text }) },
  {
    name: "an agent's instructions",
    most: 100_000,
    path: at("instructions"),
    isOptional: true,
    fill: (text) => agent({ instructions: text }),
  },
  { name: "a capability", most: 120, path: [...at("capabilities"), "0"], fill: (text) => agent({ capabilities: [text] }) },
  { name: "an idempotency key", most: 200, path: at("idempotencyKey"), isOptional: true, fill: (text) => agent({ idempotencyKey: text }) },
  { name: "a thread's title", most: 200, path: at("title"), fill: (title) => mutate("createThread", { title }) },
  {
    name: "a file's name",
    most: 255,
    path: at("name"),
    fill: (name) => mutate("createFile", { name, mediaType: "text/plain", size: 5 }),
  },
  { name: "a note", most: 10_000, path: at("text"), fill: (text) => mutate("exampleAddNote", { text }) },
];

const named = fields.filter(({ isOptional }) => !isOptional);
/** Zero width space, soft hyphen, Hangul and Mongolian fillers, a variation selector, a tag, an ideographic and a Braille blank. */
const blanks = ["\u200B", "\u00AD", "\u3164", "\u180E", "\uFE0F", "\u{E0041}", "\u3000", "\u2800", "\u2060\u200D \u00A0"];

describe("a length is counted in code points", () => {
  it.each(fields)("in $name", async ({ most, path, fill }) => {
    expect(await fill("🧵".repeat(most))).not.toMatchObject({ message: expect.anything() });
    expect(await fill("🧵".repeat(most + 1))).toMatchObject({ __typename: "InvalidInputError", path, message: /\b\d+ (characters|KiB)/ });
  });

  it("in a search", async () => {
    for (const [field, most] of [
      ["agents", 200],
      ["threads", 200],
      ["files", 255],
    ] as const) {
      const search = (count: number) => app.graphql(`{ ${field}(search: "${"🧵".repeat(count)}") { totalCount } }`);
      expect(await search(most)).toBeDefined();
      await expect(search(most + 1)).rejects.toThrow(`${most} characters`);
    }
  });
});

describe("what names something has a visible character", () => {
  it.each(named)("$name", async ({ path, fill }) => {
    for (const blank of blanks) expect(await fill(blank), JSON.stringify(blank)).toMatchObject({ __typename: "InvalidInputError", path });
  });

  it.each(named.filter(({ name }) => name !== "a capability"))("$name may join its signs", async ({ fill }) => {
    for (const name of ["👩‍👩‍👧", "نمی‌خواهم", "❤️", "x\u00ADy"])
      expect(await fill(name), name).not.toMatchObject({ message: expect.anything() });
  });
});

it("viewers of a configuration are held to the same", async () => {
  const start = (name: string) => testPlatform({ plugins: [auth({ viewers: [{ token: "a-long-token", id: "ada", name }] })] });
  await (await start("🧵".repeat(200))).close();
  await expect(start("🧵".repeat(201))).rejects.toThrow("At most 200 characters");
  await expect(start("\u200B")).rejects.toThrow("visible character");
});
