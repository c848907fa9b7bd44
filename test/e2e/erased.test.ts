import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

const data = dataFolder();
let server: Server;
beforeAll(async () => {
  server = await startServer(data.folder);
  await change("createAgent", { name: "Clerk", framework: "openai", capabilities: ["math.evaluate", "message.send"] }, "agent { id }");
  await change("createAgent", { name: "Grapher", framework: "langgraph", capabilities: ["math.evaluate"] }, "agent { id }");
}, 60_000);
afterAll(async () => {
  await server.kill();
  data.remove();
});

/** No word of any file but what a test says. */
const mark = (name: string): string => `qzx${name}${Math.random().toString(36).slice(2, 10)}wvk`;

async function change<Payload>(name: string, input: object, fields: string): Promise<Payload> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const { answer } = await server.graphql<{ answer: Payload & { code?: string } }>(
    `mutation ($input: ${type}Input!) { answer: ${name}(input: $input) { ... on ${type}Payload { ${fields} } ... on UserError { code message } } }`,
    { input },
  );
  if (answer.code !== undefined) throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return answer;
}

async function settled(id: string): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    const { run } = await server.graphql<{ run: { status: string } }>("query ($id: ID!) { run(id: $id) { status } }", { id });
    if (["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "WAITING"].includes(run.status)) return;
    await pause(10);
  }
  throw new Error("The run does not end.");
}

/** The files of the data folder that hold a text, as text or as UTF-16. */
function filesWith(text: string): string[] {
  const needles = [Buffer.from(text), Buffer.from(text, "utf16le"), Buffer.from(Buffer.from(text).toString("base64").slice(2, -4))];
  return readdirSync(data.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      // A file may go while it is looked for.
      const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
      return needles.some((needle) => bytes.includes(needle));
    });
}

async function gone(text: string): Promise<void> {
  let found = filesWith(text);
  for (let tries = 0; found.length > 0 && tries < 300; tries++) {
    await pause(50);
    found = filesWith(text);
  }
  expect(found).toEqual([]);
}

/** Talks about a text in a thread, in every way that leaves something behind. */
async function talk(text: string, thread: string): Promise<void> {
  const say = async (input: object): Promise<string> => {
    const { run } = await change<{ run: { id: string } }>("sendMessage", { thread, ...input }, "run { id }");
    await settled(run.id);
    return run.id;
  };
  const { file, uploadUrl } = await change<{ file: { id: string }; uploadUrl: string }>(
    "createFile",
    { name: `${text}.txt`, mediaType: "text/plain", size: text.length },
    "file { id } uploadUrl",
  );
  const sent = await fetch(new URL(uploadUrl, server.url), { method: "PUT", body: text, headers: { "content-type": "text/plain" } });
  expect(sent.status).toBe(200);
  for (let turn = 0; turn < 12; turn++)
    await say({ text: `Remember ${text}, turn ${turn}: ${`${text} `.repeat(turn * 40)}`, idempotencyKey: `${text} ${turn}` });
  await say({ parts: [{ text }, { data: { told: text } }, { file: file.id }] });
  await say({ text: `Use math.evaluate {"expression": "${text} + 1"}` });
  await say({ text: `Use message.send {"to": "a@example.com", "subject": "${text}", "body": "${text}"}` });
  const { interrupts } = await server.graphql<{
    interrupts: { nodes: { id: string; argumentsHash: string; run: { thread: { id: string } | null } }[] };
  }>("{ interrupts(decidable: true) { nodes { id argumentsHash run { thread { id } } } } }");
  for (const { id, argumentsHash } of interrupts.nodes.filter((each) => each.run.thread?.id === thread)) {
    const { run } = await change<{ run: { id: string } }>(
      "decideInterrupt",
      { interrupt: id, kind: "APPROVE", argumentsHash, reason: `since ${text}` },
      "run { id }",
    );
    await settled(run.id);
  }
  await say({ text: `Graph ${text}`, agent: { name: "Grapher" } });
  const started = await change<{ run: { id: string } }>(
    "startRun",
    { target: { agent: { name: "Clerk" } }, thread, input: { told: text }, text, metadata: { told: text } },
    "run { id }",
  );
  await settled(started.run.id);
}

describe("what was said in a thread", () => {
  it.each([
    ["cleared", "mutation ($id: ID!) { answer: clearThread(thread: $id) { __typename ... on UserError { message } } }"],
    ["deleted", "mutation ($id: ID!) { answer: deleteThread(thread: $id) { __typename ... on UserError { message } } }"],
  ])(
    "stands in no file of the data folder once it was %s, while the server goes on and after its end",
    async (how, mutation) => {
      const [text, other] = [mark(how), mark("other")];
      const open = (title: string) =>
        change<{ thread: { id: string } }>(
          "createThread",
          { title, agent: { name: "Clerk" }, config: { metadata: { title } } },
          "thread { id }",
        );
      const [erased, kept] = [await open(how === "deleted" ? text : "Erased"), await open("Kept")];
      // Rows of both stand side by side, and pages are split between them.
      await Promise.all([talk(text, erased.thread.id), talk(other, kept.thread.id)]);
      expect(filesWith(text).length).toBeGreaterThan(1);
      const { answer } = await server.graphql<{ answer: { __typename: string } }>(mutation, { id: erased.thread.id });
      expect(answer.__typename).toMatch(/Payload$/);
      await gone(text);
      expect(filesWith(other).length).toBeGreaterThan(0);
      await server.kill();
      expect(filesWith(text)).toEqual([]);
      server = await startServer(data.folder);
    },
    120_000,
  );
});
