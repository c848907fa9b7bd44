import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

const { folder, remove } = dataFolder();
const [data, target, restored] = ["data", "backup", "restored"].map((name) => join(folder, name)) as [string, string, string];
let server: Server | undefined;
afterEach(async () => {
  await server?.kill();
  remove();
});

const streams = 20;

async function weftline(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ["bin/weftline.js", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code, said).toBe(0);
  return said;
}

async function openThreads(from: Server): Promise<string[]> {
  await from.graphql('mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { __typename } }');
  const open = async (): Promise<string> => {
    const { createThread } = await from.graphql<{ createThread: { thread: { id: string } } }>(
      'mutation { createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } } }',
    );
    return createThread.thread.id;
  };
  return Promise.all(Array.from({ length: streams }, open));
}

async function send(from: Server, thread: string): Promise<string> {
  const { sendMessage } = await from.graphql<{ sendMessage: { run: { id: string } } }>(
    `mutation ($thread: ID!) { sendMessage(input: { thread: $thread, text: "Tell me about looms in 60 words.", onBusy: ENQUEUE }) {
      ... on SendMessagePayload { run { id } } } }`,
    { thread },
  );
  return sendMessage.run.id;
}

/** Uploads a file, and deletes it where it is not to stay. @returns its id. */
async function upload(from: Server, end: "stays" | "goes"): Promise<string> {
  const { createFile } = await from.graphql<{ createFile: { uploadUrl: string; file: { id: string } } }>(
    'mutation { createFile(input: { name: "a.txt", mediaType: "text/plain", size: 7 }) { ... on CreateFilePayload { uploadUrl file { id } } } }',
  );
  await fetch(new URL(createFile.uploadUrl, from.url), { method: "PUT", body: "content", headers: { "content-type": "text/plain" } });
  if (end === "goes") await from.graphql("mutation ($file: ID!) { deleteFile(file: $file) { __typename } }", { file: createFile.file.id });
  return createFile.file.id;
}

interface Snapshot {
  readonly seq: number;
  readonly type: string;
  readonly messages: readonly { readonly id: string; readonly text: string }[];
}

async function firstEvent(from: Server, thread: string, after: number): Promise<Snapshot | undefined> {
  const client = from.socket();
  const query = `subscription ($thread: ID!, $after: Int) { threadEvents(thread: $thread, after: $after) { seq type ... on SnapshotEvent { messages { id text } } } }`;
  try {
    for await (const { data: event } of client.iterate<{ threadEvents: Snapshot }>({ query, variables: { thread, after } }))
      return event?.threadEvents;
  } finally {
    await client.dispose();
  }
  return undefined;
}

it("a backup under load comes back: every run that was acknowledged ends, and readers of the lost history get a snapshot", async () => {
  server = await startServer(data);
  const from = server;
  const threads = await openThreads(from);
  const acknowledged = await Promise.all(threads.map((thread) => send(from, thread)));
  const kept = await upload(from, "stays");

  let state: "on" | "off" = "on";
  const busy = [0, 1, 2].map(async () => {
    while (state === "on") {
      await upload(from, "stays");
      await upload(from, "goes");
    }
  });
  const sending = (async () => {
    for (let at = 0; state === "on"; at++) await send(from, threads[at % streams] ?? "");
  })();
  const said = await weftline("backup", target, "--data", data);
  expect(said).toMatch(/✓ Backed up to/);
  expect(said).not.toMatch(/Lost or damaged/);
  state = "off";
  await Promise.all([...busy, sending]);
  const cursors = await from.graphql<Record<string, { lastSeq: number }>>(
    `{ ${threads.map((id, at) => `t${at}: thread(id: "${id}") { lastSeq }`).join(" ")} }`,
  );
  await from.kill();

  expect(await weftline("restore", target, "--data", restored)).toMatch(/Positions in \d+ streams go up/);
  server = await startServer(restored);
  const back = server;
  const open = async (): Promise<number> =>
    (
      await back.graphql<{ runs: { totalCount: number } }>(
        "{ runs(filter: { status: [QUEUED, RUNNING, WAITING, PAUSED, CANCELLING] }) { totalCount } }",
      )
    ).runs.totalCount;
  await expect.poll(open, { interval: 100 }).toBe(0);
  const runs = await Promise.all(
    acknowledged.map((id) => back.graphql<{ run: { status: string } | null }>("query ($id: ID!) { run(id: $id) { status } }", { id })),
  );
  expect(new Set(runs.map(({ run }) => run?.status))).toEqual(new Set(["SUCCEEDED"]));
  const file = await back.graphql<{ node: { url: string } }>("query ($id: ID!) { node(id: $id) { ... on File { url } } }", { id: kept });
  expect(await (await fetch(new URL(file.node.url, back.url))).text()).toBe("content");

  for (const [at, thread] of threads.entries()) {
    const first = await firstEvent(back, thread, cursors[`t${at}`]?.lastSeq ?? 0);
    expect(first?.type).toBe("snapshot");
    const shown = await back.graphql<{ thread: { messages: { nodes: Snapshot["messages"] } } }>(
      "query ($id: ID!) { thread(id: $id) { messages(first: 100) { nodes { id text } } } }",
      { id: thread },
    );
    expect(first?.messages).toEqual(shown.thread.messages.nodes);
  }
});
