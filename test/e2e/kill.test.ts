import { afterEach, describe, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

interface ThreadEvent {
  readonly seq: number;
  readonly type: string;
  readonly text?: string;
  readonly messageId?: string;
  readonly messageStatus?: string;
  readonly supersededBy?: string;
}

const threadEvents = `subscription ($thread: ID!, $after: Int) {
  threadEvents(thread: $thread, after: $after) {
    seq type
    ... on MessageDeltaEvent { messageId text }
    ... on MessageFinishedEvent { messageId messageStatus supersededBy text }
    ... on RunStatusEvent { runStatus }
  }
}`;

const setUp = `mutation ($name: String!) {
  createAgentFromTemplate(input: { template: "assistant", name: $name }) { ... on CreateAgentFromTemplatePayload { agent { id } } ... on UserError { message } }
}`;

async function openThread(server: Server): Promise<string> {
  const made = await server.graphql<{ createAgentFromTemplate: { agent: { id: string } } }>(setUp, { name: "Ada" });
  const { createThread } = await server.graphql<{ createThread: { thread: { id: string } } }>(
    `mutation ($agent: ID!) { createThread(input: { agent: { id: $agent } }) { ... on CreateThreadPayload { thread { id } } ... on UserError { message } } }`,
    { agent: made.createAgentFromTemplate.agent.id },
  );
  return createThread.thread.id;
}

const send = `mutation ($thread: ID!, $text: String!) {
  sendMessage(input: { thread: $thread, text: $text }) { ... on SendMessagePayload { run { id status } userMessage { id text } } ... on UserError { message } }
}`;

/** Reads events until one satisfies `until`, then leaves. */
async function read(server: Server, thread: string, after: number | null, until: (event: ThreadEvent) => boolean): Promise<ThreadEvent[]> {
  const client = server.socket();
  const events: ThreadEvent[] = [];
  for await (const { data, errors } of client.iterate<{ threadEvents: ThreadEvent }>({
    query: threadEvents,
    variables: { thread, after },
  })) {
    if (errors) throw new Error(JSON.stringify(errors));
    if (!data) continue;
    events.push(data.threadEvents);
    if (until(data.threadEvents)) break;
  }
  await client.dispose();
  return events;
}

describe("a server that is killed in the middle of an answer", () => {
  const { folder, remove } = dataFolder();
  let server: Server | undefined;
  afterEach(async () => {
    await server?.kill();
    remove();
  });

  it("goes on after a restart: no gap, no repeat, an honest end", async () => {
    server = await startServer(folder);
    const thread = await openThread(server);
    let deltas = 0;
    const first = read(server, thread, 0, (event) => event.type === "message.delta" && ++deltas === 5);
    const sent = await server.graphql<{ sendMessage: { run: { id: string } } }>(send, {
      thread,
      text: "Tell me about looms in 120 words.",
    });
    const before = await first;
    await server.kill();

    server = await startServer(folder);
    const last = before.at(-1)?.seq ?? 0;
    const rest = await read(server, thread, last, ({ type }) => type.startsWith("run.finished") || type === "run.failed");
    const seqs = [...before, ...rest].map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));

    const finished = rest.filter(({ type }) => type === "message.finished");
    expect(finished).toMatchObject([{ messageStatus: "FAILED" }, { messageStatus: "COMPLETE" }]);
    expect(finished[0]?.supersededBy).toBe(finished[1]?.messageId);
    const textOf = (id: string | undefined): string =>
      [...before, ...rest]
        .flatMap((event) => (event.type === "message.delta" && event.messageId === id ? [event.text ?? ""] : []))
        .join("");
    for (const { messageId, text } of finished) expect(textOf(messageId)).toBe(text);

    const { run, thread: shown } = await server.graphql<{
      run: { status: string; text: string; provenance: string };
      thread: { messages: { nodes: { role: string; text: string }[] } };
    }>(
      `query ($run: ID!, $thread: ID!) { run(id: $run) { status text provenance } thread(id: $thread) { messages { nodes { role text } } } }`,
      { run: sent.sendMessage.run.id, thread },
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", provenance: "SIMULATED", text: finished[1]?.text });
    expect(shown.messages.nodes.map(({ role }) => role)).toEqual(["USER", "ASSISTANT"]);
    expect(await server.stop()).toBe(0);
  });
});

describe("a server that is killed right after it answered", () => {
  const { folder, remove } = dataFolder();
  let server: Server | undefined;
  afterEach(async () => {
    await server?.kill();
    remove();
  });

  it("has lost nothing that it accepted, and does it once", async () => {
    server = await startServer(folder);
    const thread = await openThread(server);
    const keyed = `mutation ($thread: ID!, $key: String!, $text: String!) {
      sendMessage(input: { thread: $thread, text: $text, idempotencyKey: $key }) { ... on SendMessagePayload { run { id } } ... on UserError { code message } }
    }`;
    const accepted = new Map<string, string>();
    for (let round = 0; round < 4; round++) {
      for (const index of [0, 1, 2]) {
        const key = `${round}-${index}`;
        const { sendMessage } = await server.graphql<{ sendMessage: { run: { id: string } } }>(keyed, { thread, key, text: `Say ${key}.` });
        accepted.set(key, sendMessage.run.id);
      }
      await server.kill();
      server = await startServer(folder);
    }
    for (const [key, run] of accepted) {
      const again = await server.graphql<{ sendMessage: { run: { id: string } } }>(keyed, { thread, key, text: `Say ${key}.` });
      expect(again.sendMessage.run.id).toBe(run);
    }
    const ends = await read(server, thread, 0, countdown(accepted.size));
    expect(ends.map(({ seq }) => seq)).toEqual(ends.map((_, index) => index + 1));
    const { runs } = await server.graphql<{ runs: { totalCount: number; nodes: { status: string }[] } }>(
      "{ runs { totalCount nodes { status } } }",
    );
    expect(runs.totalCount).toBe(accepted.size);
    expect(new Set(runs.nodes.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
  });
});

function countdown(runs: number): (event: ThreadEvent) => boolean {
  let ended = 0;
  return ({ type }) => /^run\.(finished|failed|cancelled)$/.test(type) && ++ended === runs;
}
