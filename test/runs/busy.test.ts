import { describe, expect, it } from "vitest";
import type { ConversationMessage, Run } from "#weftline";
import { alice, bootRuns, callOnce, countingTool, say } from "./fixtures.ts";

type Host = Awaited<ReturnType<typeof bootRuns>>;

const order = async (host: Host, streamNum: number): Promise<string[]> =>
  (await host.rows(streamNum))
    .filter(({ kind }) => /^run\.(started|finished|cancelled)$/.test(kind))
    .map(({ kind, run_seq }) => `${run_seq} ${kind}`);

/** Adds a person's message and the run that answers it, as a chat does. */
async function send(host: Host, thread: { id: string; streamNum: number }, text: string, more: object = {}): Promise<Run> {
  const scope = host.platform.scope(alice);
  return scope.write(async (tx) => {
    const run = await host.runs.start(scope, tx, {
      targetType: "Agent",
      target: { id: "weaver", name: "Weaver", version: 1 },
      trigger: "CHAT",
      thread,
      ...more,
    });
    await host.streams.addMessage(tx, thread.streamNum, {
      role: "USER",
      parts: [{ type: "text", text }],
      threadId: thread.id,
      runId: run.id,
      authorId: alice.actorId,
    });
    return run;
  });
}

const plain = (messages: readonly ConversationMessage[]): string[] =>
  messages.map((message) =>
    message.role === "ASSISTANT"
      ? `A: ${message.text}`
      : `U: ${message.parts.map((part) => (part.type === "text" ? part.text : "")).join("")}`,
  );

describe("a thread that is busy", () => {
  it("queues runs one behind the other", async () => {
    await using host = await bootRuns({ turn: () => say(["a", "b"], 20) });
    const thread = await host.openThread();
    const runs = [await host.start({ thread }), await host.start({ thread }), await host.start({ thread })];
    expect(runs.map(({ blockedById }) => blockedById)).toEqual([null, runs[0]?.id, runs[1]?.id]);
    await Promise.all(runs.map((run) => host.events(run)));
    const seqs = runs.map(({ startSeq }) => startSeq);
    expect(await order(host, thread.streamNum)).toEqual(seqs.flatMap((seq) => [`${seq} run.started`, `${seq} run.finished`]));
  });

  it("refuses with REJECT, also while the run waits for a person", async () => {
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [countingTool({ approval: "ALWAYS" }).tool] });
    const thread = await host.openThread();
    const run = await host.start({ thread });
    await host.until(run.id, "WAITING");
    const before = (await host.rows(thread.streamNum)).length;
    await expect(host.start({ thread, onBusy: "REJECT" })).rejects.toMatchObject({ code: "BUSY" });
    expect((await host.rows(thread.streamNum)).length).toBe(before);
  });

  it("cancels what is open with INTERRUPT, then runs", async () => {
    await using host = await bootRuns({ turn: () => say(["a", "b", "c"], 40) });
    const thread = await host.openThread();
    const first = await host.start({ thread });
    const second = await host.start({ thread });
    await host.until(first.id, "RUNNING");
    const third = await host.start({ thread, onBusy: "INTERRUPT" });
    await host.until(third.id, "SUCCEEDED");
    expect([(await host.find(first.id)).status, (await host.find(second.id)).status]).toEqual(["CANCELLED", "CANCELLED"]);
  });

  it("does not wait for a queued run that was cancelled", async () => {
    await using host = await bootRuns({ turn: () => say(["a", "b"], 40) });
    const thread = await host.openThread();
    const runs = [await host.start({ thread }), await host.start({ thread }), await host.start({ thread })];
    await host.runs.cancel(host.platform.scope(alice), runs[1]?.id ?? "");
    expect((await host.until(runs[2]?.id ?? "", "SUCCEEDED")).text).toBe("ab");
  });
});

describe("runs outside a thread", () => {
  it("go side by side, unless the caller asks otherwise", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await using host = await bootRuns({
      turn: async function* () {
        await released;
        yield* say(["a"]);
      },
    });
    const [one, two] = [await host.start(), await host.start()];
    await host.until(one.id, "RUNNING");
    await host.until(two.id, "RUNNING");
    await expect(host.start({ onBusy: "REJECT" })).rejects.toMatchObject({ code: "BUSY" });
    const bob = { ...alice, actorId: "bob", name: "Bob" };
    expect((await host.start({ onBusy: "REJECT" }, bob)).status).toBe("QUEUED");
    release();
  });

  it("refuse a cost limit that nobody could keep", async () => {
    await using host = await bootRuns({ turn: () => say(["a"]) });
    await expect(host.start({ limits: { maxCost: { amount: "1", currency: "USD" } } })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("stop at their token limit", async () => {
    await using host = await bootRuns({
      turn: async function* () {
        yield* say(["a", "b", "c", "d"], 0, "1");
        yield* say(["e"], 50, "2");
      },
    });
    const run = await host.start({ limits: { maxTokens: 5 } });
    expect((await host.until(run.id, "FAILED")).failure?.code).toBe("RUN_LIMIT");
  });
});

describe("the conversation that an agent is shown", () => {
  it("has each question right before its answer, also for questions that were queued", async () => {
    const shown: string[][] = [];
    await using host = await bootRuns({
      turn: (request) => {
        shown.push(plain(request.messages));
        return say([`answer ${shown.length}`], 30);
      },
    });
    const thread = await host.openThread();
    const runs = [await send(host, thread, "one"), await send(host, thread, "two"), await send(host, thread, "three")];
    await host.until(runs[2]?.id ?? "", "SUCCEEDED");
    expect(shown).toEqual([
      ["U: one"],
      ["U: one", "A: answer 1", "U: two"],
      ["U: one", "A: answer 1", "U: two", "A: answer 2", "U: three"],
    ]);
  });

  it("leaves out the answer that is given anew, and shows the new one afterwards", async () => {
    const shown: string[][] = [];
    await using host = await bootRuns({
      turn: (request) => {
        shown.push(plain(request.messages));
        return say([`answer ${shown.length}`]);
      },
    });
    const thread = await host.openThread();
    const first = await send(host, thread, "one");
    await host.until(first.id, "SUCCEEDED");
    const second = await host.start({ thread, trigger: "CHAT", regeneratesId: first.id });
    await host.until(second.id, "SUCCEEDED");
    const third = await host.start({ thread, trigger: "CHAT", regeneratesId: second.id });
    await host.until(third.id, "SUCCEEDED");
    await host.until((await send(host, thread, "two")).id, "SUCCEEDED");
    expect(shown).toEqual([["U: one"], ["U: one"], ["U: one"], ["U: one", "A: answer 3", "U: two"]]);
  });

  it("goes back no further than the history limit", async () => {
    const shown: string[][] = [];
    await using host = await bootRuns({
      turn: (request) => {
        shown.push(plain(request.messages));
        return say([`answer ${shown.length}`]);
      },
    });
    const thread = await host.openThread();
    const settings = { simulated: "allowed" as const, historyLimit: 3 };
    for (const text of ["one", "two", "three"]) await host.until((await send(host, thread, text, { settings })).id, "SUCCEEDED");
    expect(shown.at(-1)).toEqual(["U: two", "A: answer 2", "U: three"]);
  });

  it("is the input of a run that has no thread", async () => {
    const shown: ConversationMessage[][] = [];
    await using host = await bootRuns({
      turn: (request) => {
        shown.push([...request.messages]);
        return say(["ok"]);
      },
    });
    await host.until((await host.start({ text: "Hello", input: { rows: 3 } })).id, "SUCCEEDED");
    expect(shown).toEqual([
      [
        {
          role: "USER",
          parts: [
            { type: "text", text: "Hello" },
            { type: "data", name: "input", data: { rows: 3 } },
          ],
        },
      ],
    ]);
  });
});

describe("a retry", () => {
  it("is a new run with the same input", async () => {
    await using host = await bootRuns({ turn: (request) => say([JSON.stringify(request.input)]) });
    const run = await host.start({ input: { rows: 3 } });
    const scope = host.platform.scope(alice);
    await expect(scope.write((tx) => host.runs.retry(scope, tx, run.id))).rejects.toMatchObject({ code: "CONFLICT" });
    const done = await host.until(run.id, "SUCCEEDED");
    const retry = await scope.write((tx) => host.runs.retry(scope, tx, run.id));
    expect(retry).toMatchObject({ retryOfId: run.id, trigger: "RETRY", targetVersion: 1 });
    expect((await host.until(retry.id, "SUCCEEDED")).text).toBe(done.text);
  });
});
