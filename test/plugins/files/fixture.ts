import type { ConversationMessage, RunEventBody, RunRequest, Viewer } from "#weftline";
import { agents, capabilities, chat, files, models, openai, simulated } from "../../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

export const viewers = { ada: testViewer("ada"), bob: testViewer("bob"), mallory: testViewer("ada", { tenantId: "other" }) };

type Options = NonNullable<Parameters<typeof files>[0]>;

/** Tells what it was handed, the files by their bytes. */
async function* describe({ messages }: RunRequest): AsyncGenerator<RunEventBody> {
  yield* sayText(JSON.stringify(await Promise.all(messages.map(seen))));
}

async function seen(message: ConversationMessage): Promise<unknown> {
  if (message.role === "ASSISTANT") return { role: message.role };
  const parts = message.parts.map(async (part) => {
    if (part.type !== "file") return part;
    const { name, mediaType, size } = part;
    return { name, mediaType, size, text: Buffer.from(await part.bytes()).toString(), dataUrl: await part.dataUrl() };
  });
  return { role: message.role, parts: await Promise.all(parts) };
}

/** A platform with files and two agents: `reader`, whose framework takes files, and `blind`, whose framework does not. */
export async function filesPlatform(options: Options = {}, dataDir?: string): Promise<TestPlatform> {
  const fake = (id: string, takes: boolean) => fakeRuntime({ id, turn: describe, features: { files: takes } });
  const app = await testPlatform({
    plugins: [
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      chat(),
      openai(),
      files(options),
      fake("reads", true),
      fake("blind", false),
    ],
    viewers: [viewers.ada, viewers.bob],
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  for (const [name, framework] of [
    ["reader", "reads"],
    ["blind", "blind"],
  ])
    await app.graphql(
      "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }",
      { input: { name, framework } },
      viewers.ada,
    );
  return app;
}

export interface Created {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[];
  readonly uploadUrl: string;
  readonly file: { readonly id: string; readonly name: string; readonly mediaType: string; readonly size: number; readonly url: string };
}

export interface NewFile {
  readonly name?: string;
  readonly mediaType?: string;
  readonly size?: number;
  readonly idempotencyKey?: string;
}

/** Announces a file, whatever comes of it. */
export async function create(app: TestPlatform, input: NewFile = {}, viewer: Viewer = viewers.ada): Promise<Created> {
  const mutation = `mutation ($input: CreateFileInput!) { createFile(input: $input) { __typename
    ... on CreateFilePayload { uploadUrl file { id name mediaType size url createdAt } } ... on UserError { code message path } } }`;
  const filled = { name: "notes.txt", mediaType: "text/plain", size: 5, ...input };
  return (await app.graphql<{ createFile: Created }>(mutation, { input: filled }, viewer)).createFile;
}

/** A request to a path of the platform's server. */
export function send(app: TestPlatform, path: string, init: RequestInit & { readonly as?: Viewer } = {}): Promise<Response> {
  const { as = viewers.ada, headers, ...rest } = init;
  return fetch(new URL(path, app.url), { ...rest, headers: { authorization: `Bearer ${as.actorId}`, ...headers } });
}

export function put(
  app: TestPlatform,
  path: string,
  body: string | Uint8Array,
  mediaType = "text/plain",
  as: Viewer = viewers.ada,
): Promise<Response> {
  return send(app, path, { method: "PUT", body: body as BodyInit, headers: { "content-type": mediaType }, as });
}

/** A file that is here. */
export async function uploaded(app: TestPlatform, text = "hello", name = "notes.txt", mediaType = "text/plain"): Promise<Created["file"]> {
  const { uploadUrl, file } = await create(app, { name, mediaType, size: Buffer.byteLength(text) });
  const answer = await put(app, uploadUrl, text, mediaType);
  if (answer.status !== 200) throw new Error(await answer.text());
  return file;
}

export async function newThread(app: TestPlatform, agent = "reader"): Promise<string> {
  const mutation = "mutation ($input: CreateThreadInput!) { createThread(input: $input) { ... on CreateThreadPayload { thread { id } } } }";
  const { createThread } = await app.graphql<{ createThread: { thread: { id: string } } }>(
    mutation,
    { input: { agent: { name: agent } } },
    viewers.ada,
  );
  return createThread.thread.id;
}

export interface Sent {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[];
  readonly run: { readonly id: string };
}

/** Sends a message, whatever comes of it. */
export async function say(app: TestPlatform, thread: string, parts: readonly object[], as: Viewer = viewers.ada): Promise<Sent> {
  const mutation = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename
    ... on SendMessagePayload { run { id } } ... on UserError { code message path } } }`;
  return (await app.graphql<{ sendMessage: Sent }>(mutation, { input: { thread, parts } }, as)).sendMessage;
}

export interface Ended {
  readonly status: string;
  readonly text: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
}

/** Waits for the end of the run that answers a message. */
export async function end(app: TestPlatform, { run }: Sent): Promise<Ended> {
  for (;;) {
    const found = await app.graphql<{ run: Ended }>(
      "query ($id: ID!) { run(id: $id) { status text failure { code message retryable } } }",
      { id: run.id },
      viewers.ada,
    );
    if (["SUCCEEDED", "FAILED", "CANCELLED"].includes(found.run.status)) return found.run;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The files that the disk holds. */
export async function onDisk(app: TestPlatform): Promise<readonly string[]> {
  const { readdir } = await import("node:fs/promises");
  const all = await readdir(`${app.dataDir}/files`, { recursive: true, withFileTypes: true }).catch(() => []);
  return all.filter((each) => each.isFile()).map(({ name }) => name);
}
