import { afterAll, beforeAll, describe } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { busy, conflict, inactive, invalid, long, missing, refuses, unavailable } from "./refusals.ts";
import { ada, settle, settleIdle, shippedPlatform, type Arguments, type Belongings, type Idle } from "../world.ts";

let app: TestPlatform;
let own: Belongings;
let idle: Idle;

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  idle = await settleIdle(app, own.agent);
});
afterAll(() => app.close());

const send = (more: Arguments) => () => ({ input: { thread: own.thread, ...more } });
const to = (agent: Arguments) => send({ text: "Hello", agent });
const within = (limits: Arguments) => send({ text: "Hello", limits });

describe("a message is refused:", () => {
  const tooMuch = { amount: "1.00" };
  refuses(
    () => app,
    [
      invalid("sendMessage with an empty text", send({ text: "" }), "input.text", /empty/),
      invalid("sendMessage with white space", send({ text: " \n\t\u3000" }), "input.text", /empty/),
      invalid("sendMessage with 1 MB", send({ text: long(1_000_000) }), "input.text", /at most 262144 bytes; this one has 1000000/),
      invalid("sendMessage with a byte too much", send({ text: `${long(256 * 1024 - 1)}é` }), "input.text", /has 262145/),
      invalid("sendMessage with text and parts", send({ text: "Hi", parts: [{ text: "Hi" }] }), "input.text", /either text or parts/),
      invalid("sendMessage with neither", send({}), "input.text", /either text or parts/),
      invalid("sendMessage with no part", send({ parts: [] }), "input.parts", /at least one part/),
      invalid("sendMessage with an empty part", send({ parts: [{ text: "Hi" }, { text: " " }] }), "input.parts.1.text", /empty/),
      invalid("sendMessage with much data", send({ parts: [{ data: [long(300_000)] }] }), "input.parts", /at most 262144 bytes/),
      invalid("sendMessage with an empty key", send({ text: "Hi", idempotencyKey: "" }), "input.idempotencyKey", /1 to 200/),
    ],
  );
  refuses(
    () => app,
    [
      invalid("sendMessage for no step", within({ maxSteps: 0, maxTokens: -1 }), "input.limits.maxSteps", /At least 1/),
      invalid("sendMessage for less than no token", within({ maxTokens: -1 }), "input.limits.maxTokens", /At least 1/),
      invalid("sendMessage for no time", within({ deadline: "PT0S" }), "input.limits.deadline", /Longer than nothing/),
      invalid("sendMessage for a negative cost", within({ maxCost: { amount: "-1" } }), "input.limits.maxCost.amount", /Decimal digits/),
      unavailable(
        "sendMessage for a cost",
        within({ maxCost: tooMuch }),
        "input.limits.maxCost",
        /nobody|no plugin knows prices.*maxTokens/,
      ),
    ],
  );
  refuses(
    () => app,
    [
      conflict(
        "sendMessage to an archived thread",
        () => ({ input: { thread: idle.thread, text: "Hi" } }),
        "input.thread",
        /archived: false/,
      ),
      invalid("sendMessage to nobody", () => ({ input: { thread: idle.agentless, text: "Hi" } }), "input.agent", /name one here/),
      missing("sendMessage to an agent that is not there", to({ name: "Nobody" }), "input.agent", /no (such )?agent/),
      inactive("sendMessage to a draft", to({ name: "Drafted" }), "input.agent", /"Drafted" is a draft.*startAgent/),
      inactive("sendMessage to a stopped agent", to({ name: "Paused" }), "input.agent", /"Paused" is paused.*startAgent/),
      inactive("sendMessage to an archived agent", to({ name: "Archived" }), "input.agent", /"Archived" is archived.*startAgent/),
      busy(
        "sendMessage with onBusy REJECT while a run waits",
        () => ({ input: { thread: own.waitingThread, text: "Hello", onBusy: "REJECT" } }),
        "input.onBusy",
        /still open.*ENQUEUE or INTERRUPT/,
      ),
    ],
  );
});

describe("another answer, or a copy, is refused:", () => {
  refuses(
    () => app,
    [
      invalid("regenerateMessage of a question", () => ({ message: own.question }), "message", /Only an agent's answer/),
      conflict("regenerateMessage in an archived thread", () => ({ message: idle.answer }), "message", /archived: false/),
      invalid("regenerateMessage with an empty key", () => ({ message: own.answer, idempotencyKey: "" }), "idempotencyKey", /1 to 200/),
      missing("forkThread at another thread's message", () => ({ thread: own.thread, at: idle.answer }), "at", /in this thread/),
      invalid(
        "forkThread with a long key",
        () => ({ thread: own.thread, at: own.answer, idempotencyKey: long(201) }),
        "idempotencyKey",
        /200/,
      ),
    ],
  );
});

describe("a thread is refused:", () => {
  const thread = (more: Arguments): Arguments => ({ input: more });
  const settings = (config: Arguments) => thread({ config });
  refuses(
    () => app,
    [
      invalid("createThread with a long title", thread({ title: long(201) }), "input.title", /200/),
      invalid("createThread with a blank title", thread({ title: " " }), "input.title", /not empty; null removes/),
      invalid("createThread with no history", settings({ historyLimit: 0 }), "input.config.historyLimit", /1/),
      invalid("createThread with much history", settings({ historyLimit: 1_001 }), "input.config.historyLimit", /1000/),
      invalid("createThread with much metadata", settings({ metadata: { a: long(17_000) } }), "input.config.metadata", /16384 bytes/),
      invalid("createThread with metadata in a list", settings({ metadata: [] }), "input.config.metadata", /JSON object/),
      missing("createThread with an agent that is not there", thread({ agent: { name: "Nobody" } }), "input.agent", /no (such )?agent/),
      invalid(
        "updateThread to keep messages for a second",
        () => ({ input: { thread: own.thread, config: { retention: "PT1S" } } }),
        "input.config.retention",
        /PT1M/,
      ),
      busy("clearThread while a run waits", () => ({ thread: own.waitingThread }), "thread", /open/),
    ],
  );
});
