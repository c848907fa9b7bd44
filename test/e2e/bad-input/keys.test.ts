import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import {
  ada,
  bob,
  changesNothing,
  done,
  eve,
  mutate,
  settle,
  settled,
  shippedPlatform,
  type Arguments,
  type Belongings,
  type Outcome,
} from "../world.ts";

let app: TestPlatform;
let own: Belongings;
let bobs: Belongings;

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  bobs = await settle(app, bob);
  await settle(app, eve);
});
afterAll(() => app.close());

/** What each mutation that takes a key does: a body, another one, and where the key stands. */
interface Keyed {
  readonly body: (of: Belongings) => Arguments;
  readonly other: (of: Belongings) => Arguments;
  readonly path: readonly string[];
}

const inInput = ["input", "idempotencyKey"];

const keyed: Readonly<Record<string, Keyed>> = {
  // First: only the latest answer of a thread can be given anew.
  regenerateMessage: {
    body: ({ answer: message }) => ({ message }),
    other: ({ question: message }) => ({ message }),
    path: ["idempotencyKey"],
  },
  createAgent: {
    body: ({ agentName }) => ({ input: { name: `${agentName} II`, framework: "openai", options: { temperature: 1, topP: 1 } } }),
    other: ({ agentName }) => ({ input: { name: `${agentName} II`, framework: "openai", options: { temperature: 1 } } }),
    path: inInput,
  },
  createAgentFromTemplate: {
    body: ({ agentName }) => ({ input: { template: "assistant", name: `${agentName} III` } }),
    other: ({ agentName }) => ({ input: { template: "analyst", name: `${agentName} III` } }),
    path: inInput,
  },
  createThread: {
    body: ({ agent: id }) => ({ input: { title: "Keyed", agent: { id }, config: { metadata: { a: 1, b: 2 } } } }),
    other: ({ agent: id }) => ({ input: { title: "Keyed otherwise", agent: { id } } }),
    path: inInput,
  },
  sendMessage: {
    body: ({ thread }) => ({ input: { thread, text: "Hello" } }),
    other: ({ thread }) => ({ input: { thread, text: "Hello!" } }),
    path: inInput,
  },
  startRun: {
    body: ({ agent: id }) => ({ input: { target: { agent: { id } }, text: "Go.", limits: { maxSteps: 3 } } }),
    other: ({ agent: id }) => ({ input: { target: { agent: { id } }, text: "Go.", limits: { maxSteps: 4 } } }),
    path: inInput,
  },
  retryRun: { body: ({ run }) => ({ input: { run } }), other: ({ waitingRun: run }) => ({ input: { run } }), path: inInput },
  forkThread: {
    body: ({ thread, answer: at }) => ({ thread, at }),
    other: ({ thread, question: at }) => ({ thread, at }),
    path: ["idempotencyKey"],
  },
};

function withKey(args: Arguments, path: readonly string[], key: string): Arguments {
  return path.length === 1 ? { ...args, idempotencyKey: key } : { input: { ...(args["input"] as object), idempotencyKey: key } };
}

/** The same JSON with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}

/** The ids in a payload: what was made. */
function idsOf({ agent, thread, userMessage, replacedMessage, run }: Outcome): readonly (string | undefined)[] {
  return [agent?.id, thread?.id, userMessage?.id, replacedMessage?.id, run?.id];
}

async function idle({ run }: Outcome, viewer = ada): Promise<void> {
  if (run) await settled(app, run.id, viewer);
}

describe.each(Object.entries(keyed))("the idempotency key of %s", (name, { body, other, path }) => {
  const key = `key of ${name}`;

  it("gives the first answer to the same body, also at once and in another order of fields, and refuses another body", async () => {
    const args = withKey(body(own), path, key);
    const [first, twin] = await Promise.all([done(app, name, args), done(app, name, args)]);
    expect(idsOf(twin)).toEqual(idsOf(first));
    await idle(first);
    await changesNothing(app, async () => {
      expect(idsOf(await done(app, name, reversed(args) as Arguments))).toEqual(idsOf(first));
      const refused = await mutate(app, name, withKey(other(own), path, key));
      expect(refused).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT", path });
      expect(refused.fix).toBe("Use a new key for a new request; repeat the same body to get the first answer.");
    });
  });

  it("is another's own, and says nothing of what stands behind it elsewhere", async () => {
    const made = await done(app, name, withKey(body(bobs), path, key), bob);
    await idle(made, bob);
    const mine = await done(app, name, withKey(body(own), path, key));
    expect(idsOf(mine).filter((id) => id !== undefined && idsOf(made).includes(id))).toEqual([]);
  });
});

describe("an idempotency key", () => {
  it("is not used up by a request that was refused", async () => {
    const send = (text: string) => mutate(app, "sendMessage", { input: { thread: own.thread, text, idempotencyKey: "refused first" } });
    await changesNothing(app, async () => expect(await send(" ")).toMatchObject({ __typename: "InvalidInputError" }));
    const sent = await send("Hello");
    expect(sent.__typename).toBe("SendMessagePayload");
    await idle(sent);
  });

  it("is that of one mutation: another may use the same", async () => {
    const idempotencyKey = "shared";
    const made = await done(app, "createThread", { input: { title: "Shared", agent: { id: own.agent }, idempotencyKey } });
    const sent = await done(app, "sendMessage", { input: { thread: made.thread.id, text: "Hello", idempotencyKey } });
    await idle(sent);
  });

  it("takes what is left out for its default", async () => {
    const input = { thread: own.thread, text: "Hello", idempotencyKey: "defaults" };
    const first = await done(app, "sendMessage", { input });
    await idle(first);
    const again = await done(app, "sendMessage", { input: { ...input, onBusy: "ENQUEUE" } });
    expect(idsOf(again)).toEqual(idsOf(first));
  });
});

describe("a decision that is sent twice", () => {
  it("is taken once: the same again is a success, another one a conflict", async () => {
    const decide = (kind: string) =>
      mutate(app, "decideInterrupt", { input: { interrupt: own.interrupt, kind, argumentsHash: own.argumentsHash } });
    const [first, twin] = await Promise.all([decide("REJECT"), decide("REJECT")]);
    expect(first).toMatchObject({ __typename: "DecideInterruptPayload", interrupt: { status: "RESOLVED" } });
    expect(twin).toMatchObject({ __typename: "DecideInterruptPayload" });
    await settled(app, own.waitingRun);
    await changesNothing(app, async () => {
      expect(await decide("REJECT")).toMatchObject({ __typename: "DecideInterruptPayload" });
      const refused = await decide("APPROVE");
      expect(refused).toMatchObject({ __typename: "ConflictError", code: "DECISION_CONFLICT" });
      expect(refused.message).toBe("It was decided already: REJECT.");
    });
  });
});
