import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { respondJson, type Behaviour } from "../../../src/testing/index.ts";
import { LiveServer, shows, type Sent } from "./live.ts";
import { answers, apis, begins, completes, openStage, type Scenario, type Stage } from "./scenarios.ts";

let stage: Stage;
let live: LiveServer;
const agents = new Map<string, string>();

beforeAll(async () => {
  stage = await openStage();
  live = await LiveServer.start(stage.baseURL);
  for (const api of apis) agents.set(api, await live.agent({ name: `Weaver over ${api}`, options: { api } }));
});
afterAll(async () => {
  await live[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

/** How soon a provider must hear that nobody wants its answer, in milliseconds: it waits for minutes where it does not. */
const soon = 15_000;

interface Played extends Sent {
  readonly words: string;
}

async function play(api: string, name: string, scenario: Scenario, more: Record<string, unknown> = {}): Promise<Played> {
  const words = stage.play(`${name} over ${api}`, scenario);
  return { words, ...(await live.say(agents.get(api) ?? "", words, more)) };
}

async function asked({ words }: Played): Promise<void> {
  while (stage.requests(words).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** How long something takes, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

describe.each(apis)("over %s", (api) => {
  it("cancelRun ends the provider's request, and what was said so far stays", async () => {
    const sent = await play(api, "endless", [begins(api)]);
    await sent.heard("message.delta");
    const [request] = stage.requests(sent.words);
    const took = await timed(async () => {
      await live.cancel(sent.run);
      expect(await request?.closed).toBe("cut");
    });
    expect(took).toBeLessThan(soon);
    const { run, answers: said } = await sent.end;
    expect(run).toMatchObject({ status: "CANCELLED", provenance: "LIVE", failure: null });
    expect(said).toMatchObject([{ status: "CANCELLED", text: "Half an ", supersededBy: null }]);
    expect(stage.requests(sent.words)).toHaveLength(1);
  });

  it("cancelRun ends a request that the provider has not begun to answer", async () => {
    const sent = await play(api, "silent", [() => undefined]);
    await asked(sent);
    const took = await timed(async () => {
      await live.cancel(sent.run);
      expect(await stage.requests(sent.words)[0]?.closed).toBe("cut");
    });
    expect(took).toBeLessThan(soon);
    expect((await sent.end).run).toMatchObject({ status: "CANCELLED" });
  });

  it("cancelRun ends the wait before another try", async () => {
    const busy = respondJson(429, { error: { message: "Slow down." } }, { "retry-after": "50" });
    const sent = await play(api, "busy", [busy]);
    await sent.heard("step.finished");
    expect(await timed(() => live.cancel(sent.run).then(() => sent.end))).toBeLessThan(soon);
    expect((await sent.end).run.status).toBe("CANCELLED");
    expect(stage.requests(sent.words)).toHaveLength(1);
  });

  it("a deadline ends the provider's request too", async () => {
    const sent = await play(api, "too late", [begins(api)], { limits: { deadline: "PT1S" } });
    const { run, answers: said } = await sent.end;
    expect(run).toMatchObject({ status: "EXPIRED", failure: { code: "RUN_DEADLINE" } });
    expect(said).toMatchObject([{ status: "CANCELLED", text: "Half an " }]);
    expect(await stage.requests(sent.words)[0]?.closed).toBe("cut");
  });

  it("a client's socket that is gone cancels nothing: the run reaches its end", async () => {
    const gate = Promise.withResolvers<void>();
    const held: Behaviour = begins(api, async (response, request) => {
      await gate.promise;
      await completes(api)(response, request);
    });
    const sent = await play(api, "abandoned", [held]);
    const client = live.server.socket();
    const query = "subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { type } }";
    for await (const { data } of client.iterate<{ threadEvents: { type: string } }>({ query, variables: { thread: sent.thread } })) {
      if (data?.threadEvents.type === "message.delta") break;
    }
    client.terminate();
    await client.dispose();
    await new Promise((resolve) => setTimeout(resolve, 300));
    gate.resolve();
    expect(await stage.requests(sent.words)[0]?.closed).toBe("answered");
    expect((await sent.end).run).toMatchObject({ status: "SUCCEEDED", text: "Half an answer." });
  });

  it("a piece is heard while the provider is still at the next", async () => {
    const gate = Promise.withResolvers<void>();
    const sent = await play(api, "streaming", [
      begins(api, async (response, request) => {
        await gate.promise;
        await completes(api)(response, request);
      }),
    ]);
    expect(await sent.heard("message.delta")).toMatchObject({ text: "Half an " });
    gate.resolve();
    expect((await sent.end).run).toMatchObject({ status: "SUCCEEDED", text: "Half an answer." });
  });
});

describe("a run that INTERRUPT takes the place of", () => {
  it("ends its request to the provider, and the next one is answered", async () => {
    const sent = await play("chat", "replaced", [begins("chat")]);
    await sent.heard("message.delta");
    const words = stage.play("replacement", [answers("chat")]);
    const send = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }`;
    const { sendMessage } = await live.graphql<{ sendMessage: { run: { id: string } } }>(send, {
      input: { thread: sent.thread, text: words, onBusy: "INTERRUPT" },
    });
    const { run } = await live.follow(sent.thread, sendMessage.run.id).end;
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "All of it." });
    expect((await sent.end).run.status).toBe("CANCELLED");
    expect(await stage.requests(sent.words)[0]?.closed).toBe("cut");
  });
});

describe("a server that is closed", () => {
  it("leaves its open runs to the next one, ends their requests, and has told nobody the key", async () => {
    const sent = await play("chat", "left", [begins("chat")]);
    await sent.heard("message.delta");
    const everything = await live.everything();
    expect(await stage.requests(sent.words)[0]?.closed).toBe("cut");
    expect(everything.includes("Half an ")).toBe(true);
    expect(shows(everything)).toBe(false);
  });
});
