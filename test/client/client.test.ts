import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, validate } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createWeftlineClient, type RunEvent, type ThreadEvent, type WeftlineClient } from "../../src/client/index.ts";
import { runDocument, threadDocument } from "../../src/client/documents.ts";
import { createPlatform, type Platform } from "../../src/core/platform.ts";
import type { RunningServer } from "../../src/core/serving.ts";
import { agents, auth, capabilities, chat, health, models, openai, simulated } from "../../src/plugins/index.ts";

const token = "token-of-ada";
const createAgent = `mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { ... on CreateAgentFromTemplatePayload { agent { id } } } }`;
const createThread = `mutation ($agent: ID!) { createThread(input: { agent: { id: $agent } }) { ... on CreateThreadPayload { thread { id } } } }`;
const sendMessage = `mutation ($thread: ID!, $text: String!) { sendMessage(input: { thread: $thread, text: $text }) { ... on SendMessagePayload { run { id } } ... on UserError { message } } }`;

async function until<T>(source: AsyncIterable<T>, last: (value: T) => boolean): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of source) {
    seen.push(value);
    if (last(value)) break;
  }
  return seen;
}

describe("the client", () => {
  let folder: string;
  let platform: Platform;
  let server: RunningServer;
  let client: WeftlineClient;
  let thread: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weftline-client-"));
    const plugins = [
      auth({ viewers: [{ token, id: "ada" }] }),
      health(),
      models(),
      simulated(),
      capabilities(),
      openai(),
      agents(),
      chat(),
    ];
    platform = await createPlatform({ plugins, dataDir: folder, logLevel: "silent" }, { migrate: "automatic" });
    server = await platform.listen({ port: 0 });
    client = createWeftlineClient({ url: server.url, token: async () => token, webSocketImpl: WebSocket });
    const made = await client.request<{ createAgentFromTemplate: { agent: { id: string } } }>(createAgent);
    const opened = await client.request<{ createThread: { thread: { id: string } } }>(createThread, {
      agent: made.createAgentFromTemplate.agent.id,
    });
    thread = opened.createThread.thread.id;
  });
  afterAll(async () => {
    client.close();
    await platform.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const say = async (text: string): Promise<string> =>
    (await client.request<{ sendMessage: { run: { id: string } } }>(sendMessage, { thread, text })).sendMessage.run.id;
  const finished = (event: ThreadEvent): boolean =>
    event.__typename === "RunStatusEvent" && ["SUCCEEDED", "FAILED"].includes(event.runStatus);

  it("asks only for what the graph has", () => {
    for (const document of [runDocument, threadDocument]) expect(validate(platform.schema, parse(document))).toEqual([]);
  });

  it("runs where there is nothing but a socket client", () => {
    const sourceFolder = new URL("../../src/client/", import.meta.url);
    const sources = readdirSync(sourceFolder).map((file) => readFileSync(new URL(file, sourceFolder), "utf8"));
    const imported = sources.flatMap((text) => [...text.matchAll(/from "([^"]+)"/g)].map(([, name]) => name));
    expect(new Set(imported.filter((name) => !name?.startsWith("./")))).toEqual(new Set(["graphql-ws/client"]));
    expect(sources.join("")).not.toMatch(/\bprocess\.|\bBuffer\b|node:/);
  });

  it("follows a thread from a snapshot to the end of a run, across a break of the connection", async () => {
    const seen: ThreadEvent[] = [];
    const following = (async () => {
      for await (const event of client.thread(thread)) {
        seen.push(event);
        if (seen.length === 1) await say("Tell me about looms in 60 words.");
        if (event.__typename === "MessageDeltaEvent" && seen.filter(({ __typename }) => __typename === "MessageDeltaEvent").length === 2) {
          await server.close();
          server = await platform.listen({ port: server.port });
        }
        if (finished(event)) return;
      }
    })();
    await following;
    const [snapshot, ...rest] = seen;
    expect(snapshot).toMatchObject({ __typename: "ThreadSnapshotEvent", messages: [], runs: [] });
    expect(rest.map(({ seq }) => seq)).toEqual(rest.map((_, index) => (snapshot?.seq ?? 0) + index + 1));
    const text = rest.map((event) => (event.__typename === "MessageDeltaEvent" && event.channel === "TEXT" ? event.text : "")).join("");
    const whole = rest.flatMap((event) => (event.__typename === "MessageFinishedEvent" ? [event.text] : [])).join("");
    expect(text.length).toBeGreaterThan(20);
    expect(whole).toBe(text);
    expect(rest.at(-1)).toMatchObject({ __typename: "RunStatusEvent", runStatus: "SUCCEEDED", provenance: "SIMULATED" });
  });

  it("follows a run to its last event and ends there", async () => {
    const run = await say("One word, please.");
    const events: RunEvent[] = await until(client.run(run, { after: 0 }), () => false);
    expect(events.at(-1)).toMatchObject({ __typename: "RunStatusEvent", runStatus: "SUCCEEDED", runId: run });
    expect(new Set(events.map(({ runId }) => runId))).toEqual(new Set([run]));
    const last = events.at(-1)?.seq ?? 0;
    expect(await until(client.run(run, { after: last }), () => false)).toEqual([]);
  });

  it("reports what the server refuses, by its code", async () => {
    await expect(client.run("bm90aGluZw").next()).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(client.request("{ nothing }")).rejects.toMatchObject({ code: "GRAPHQL_VALIDATION_FAILED" });
    const stranger = createWeftlineClient({ url: server.url, token: "wrong-token", webSocketImpl: WebSocket });
    await expect(stranger.thread(thread).next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(stranger.request("{ viewer { id } }")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    stranger.close();
  });

  it("ends its streams when it is closed", async () => {
    const own = createWeftlineClient({ url: server.url, token });
    const stream = own.thread(thread);
    await stream.next();
    const next = stream.next();
    own.close();
    expect(await next).toEqual({ value: undefined, done: true });
  });

  it("does not ask again for what failed for want of a server", async () => {
    const nowhere = createWeftlineClient({ url: "http://127.0.0.1:1/graphql", webSocketImpl: WebSocket });
    await expect(nowhere.request("{ viewer { id } }")).rejects.toMatchObject({ code: "CONNECTION" });
    const waiting = nowhere.thread(thread).next();
    nowhere.close();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});
