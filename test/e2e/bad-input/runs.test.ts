import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { busy, conflict, decided, inactive, invalid, long, refuses, unavailable } from "./refusals.ts";
import {
  ada,
  changesNothing,
  done,
  mutate,
  settle,
  settled,
  settleIdle,
  shippedPlatform,
  type Arguments,
  type Belongings,
  type Idle,
} from "../world.ts";

let app: TestPlatform;
let own: Belongings;
let idle: Idle;

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  idle = await settleIdle(app, own.agent);
});
afterAll(() => app.close());

const start = (more: Arguments, agent = "Weaver of ada"): Arguments => ({
  input: { target: { agent: { name: agent } }, text: "Go.", ...more },
});

describe("a run is refused:", () => {
  const cost = { maxCost: { amount: "0.10", currency: "USD" } };
  refuses(
    () => app,
    [
      invalid("startRun with white space", start({ text: " \n" }), "input.text", /empty/),
      invalid("startRun with 1 MB", start({ text: long(1_000_000) }), "input.text", /At most 256 KiB/),
      invalid("startRun with an input of 300 KB", start({ input: [long(300_000)] }), "input.input", /At most 256 KiB/),
      invalid("startRun with no schema", start({ outputSchema: { type: "thing" } }), "input.outputSchema", /type/),
      invalid("startRun for no token", start({ limits: { maxTokens: 0, deadline: "PT0S" } }), "input.limits.maxTokens", /At least 1/),
      invalid("startRun for less than no step", start({ limits: { maxSteps: -1 } }), "input.limits.maxSteps", /At least 1/),
      invalid("startRun for too many steps", start({ limits: { maxSteps: 1_001 } }), "input.limits.maxSteps", /At most 1000/),
      unavailable("startRun for a cost", start({ limits: cost }), "input.limits.maxCost", /could not be kept.*maxTokens instead/),
      inactive("startRun of a draft", start({}, "Drafted"), "input.target.agent", /draft.*startAgent/),
      inactive("startRun of a stopped agent", start({}, "Paused"), "input.target.agent", /paused.*startAgent/),
      inactive("startRun of an archived agent", start({}, "Archived"), "input.target.agent", /archived.*startAgent/),
      conflict("startRun in an archived thread", () => start({ thread: idle.thread }), "input.thread", /archived: false/),
      busy("startRun behind one that waits", () => start({ thread: own.waitingThread, onBusy: "REJECT" }), "input.onBusy", /ENQUEUE/),
      busy("startRun beside one that waits", () => start({ onBusy: "REJECT" }, idle.busyAgent), "input.onBusy", /ENQUEUE/),
      invalid("cancelRun with a long reason", () => ({ run: own.waitingRun, reason: long(2_001) }), "reason", /At most 2000/),
      conflict("retryRun of a run that waits", () => ({ input: { run: own.waitingRun } }), "input.run", /only a finished run/),
      conflict("retryRun in an archived thread", () => ({ input: { run: idle.run } }), "input.run", /archived: false/),
    ],
  );
});

describe("a decision is refused:", () => {
  const decide = (more: Arguments) => () => ({
    input: { interrupt: own.interrupt, kind: "APPROVE", argumentsHash: own.argumentsHash, ...more },
  });
  const wrong = { to: "ada@example.com", subject: 7, body: "Hi" };
  refuses(
    () => app,
    [
      invalid("decideInterrupt without the hash", decide({ argumentsHash: null }), "input.argumentsHash", /Pass the interrupt's/),
      decided(
        "decideInterrupt with another hash",
        decide({ argumentsHash: "0".repeat(64) }),
        "input",
        /not those.*Read the interrupt again/,
      ),
      invalid("decideInterrupt as it is not allowed", decide({ kind: "ANSWER", payload: 1 }), "input.kind", /APPROVE, EDIT, REJECT/),
      invalid("decideInterrupt with an edit of nothing", decide({ kind: "EDIT" }), "input.arguments", /needs the arguments/),
      invalid("decideInterrupt with a wrong edit", decide({ kind: "EDIT", arguments: wrong }), "input.arguments", /issues names/),
      invalid("decideInterrupt with a long reason", decide({ reason: long(2_001) }), "input.reason", /At most 2000/),
    ],
  );
});

describe("a run whose agent was stopped since", () => {
  it.each(["stopAgent", "archiveAgent"])("is not retried after %s", async (stop) => {
    const { agent } = await done(app, "createAgent", { input: { name: `For ${stop}`, framework: "openai" } });
    const { thread } = await done(app, "createThread", { input: { agent: { id: agent.id } } });
    const sent = await done(app, "sendMessage", { input: { thread: thread.id, text: "Hello" } });
    const alone = await done(app, "startRun", { input: { target: { agent: { id: agent.id } }, text: "Hello" } });
    const runs = [sent.run.id, alone.run.id];
    for (const run of runs) await settled(app, run);
    await done(app, stop, { agent: { id: agent.id } });
    const again = await changesNothing(app, () => Promise.all(runs.map((run) => mutate(app, "retryRun", { input: { run } }))));
    const refused = { __typename: "ConflictError", code: "AGENT_NOT_ACTIVE", path: ["input", "run"], fix: "Start it with startAgent." };
    expect(again).toMatchObject([refused, refused]);
  });
});

describe("a run of an agent that is told nothing", () => {
  it("fails, and says so", async () => {
    const { run } = await done(app, "startRun", { input: { target: { agent: { id: own.agent } } } });
    expect(await settled(app, run.id)).toMatchObject({
      status: "FAILED",
      failure: { code: "INVALID_INPUT", message: "There is nothing to answer: the run has no message.", retryable: false },
    });
  });
});

describe("a thread that forbids simulated answers", () => {
  it("gets none without a key: the run fails and says so, also when it repeats one that was allowed then", async () => {
    const input = { agent: { id: own.agent }, config: { simulatedAllowed: false } };
    const { thread } = await done(app, "createThread", { input });
    const send = (text: string) => done(app, "sendMessage", { input: { thread: thread.id, text } });
    const allow = (simulatedAllowed: boolean) => done(app, "updateThread", { input: { thread: thread.id, config: { simulatedAllowed } } });
    const forbidden = { status: "FAILED", text: null, provenance: null, failure: { code: "SIMULATION_FORBIDDEN" } };

    const first = await settled(app, (await send("Hello")).run.id);
    expect(first).toMatchObject(forbidden);
    expect(first.failure?.message).toMatch(/simulated model.*not allowed/);

    await allow(true);
    const second = await settled(app, (await send("Hello")).run.id);
    expect(second).toMatchObject({ status: "SUCCEEDED", provenance: "SIMULATED" });
    await allow(false);
    const again = await done(app, "retryRun", { input: { run: second.id } });
    expect(await settled(app, again.run.id)).toMatchObject(forbidden);
    const { thread: shown } = await app.graphql<{ thread: { messages: { nodes: { role: string }[] } } }>(
      "query ($id: ID!) { thread(id: $id) { messages { nodes { role } } } }",
      { id: thread.id },
      ada,
    );
    expect(shown.messages.nodes.map(({ role }) => role)).toEqual(["USER", "USER", "ASSISTANT"]);
  });
});

describe("an output schema", () => {
  const make = (name: string, outputSchema: unknown) => mutate(app, "createAgent", { input: { name, framework: "openai", outputSchema } });
  const dialects = ["https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/meta/core"];

  it.each([...dialects, "http://json-schema.org/draft-07/schema"])("that takes the name %s takes nothing from others", async ($id) => {
    const $schema = $id.includes("draft-07") ? "http://json-schema.org/draft-07/schema#" : dialects[0];
    await make(`Names itself ${$id}`, { $schema, $id, type: "string" });
    expect((await make(`Made after ${$id}`, { $schema, type: "object", properties: { a: { type: "string" } } })).__typename).toBe(
      "CreateAgentPayload",
    );
    expect(await make(`Wrong after ${$id}`, { $schema, type: "thing" })).toMatchObject({ code: "INVALID_INPUT" });
    const decision = { interrupt: own.interrupt, kind: "EDIT", argumentsHash: own.argumentsHash, arguments: { to: 1 } };
    const refused = await mutate(app, "decideInterrupt", { input: decision });
    expect(refused.issues?.map(({ path }) => path.at(-1)).toSorted()).toEqual(["body", "subject", "to"]);
  });

  it("may refer to itself, and to a name that another has", async () => {
    const tree = { type: "object", properties: { child: { $ref: "#" } }, additionalProperties: false };
    expect((await make("Tree", tree)).__typename).toBe("CreateAgentPayload");
    for (const [n, type] of ["string", "number"].entries()) {
      expect((await make(`Same ${n}`, { $id: "same", type: "object", properties: { a: { $id: "inner", type } } })).__typename).toBe(
        "CreateAgentPayload",
      );
    }
    const { run } = await done(app, "startRun", { input: { target: { agent: { name: "Tree" } }, text: "Hello" } });
    expect((await settled(app, run.id)).status).toBe("SUCCEEDED");
  });

  it("is none where it refers to nothing, to another place or to later", async () => {
    for (const outputSchema of [
      { $ref: "#/$defs/a" },
      { $ref: "https://example.com/x.json" },
      { $async: true, type: "string" },
      { $schema: "x" },
      { $schema: { toString: 1 } },
    ]) {
      expect(await make("None", outputSchema)).toMatchObject({ __typename: "InvalidInputError", path: ["input", "outputSchema"] });
    }
  });

  it.each([
    { what: "a pattern that backtracks without end", schema: { answer: { type: "string", pattern: "^(([^#])+)+#$" } } },
    {
      what: "many of them",
      schema: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`a${n}`, { type: "string", pattern: `^(([^#])+)+${n}$` }])),
    },
    { what: "a list without end", schema: { answer: { type: "array", minItems: 1_000_000_000, items: { type: "string" } } } },
    { what: "a text without end", schema: { answer: { type: "string", minLength: 500_000_000 } } },
  ])("with $what holds nobody up", async ({ what, schema }) => {
    const outputSchema = { type: "object", properties: schema, required: Object.keys(schema) };
    await done(app, "createAgent", { input: { name: `With ${what}`, framework: "openai", outputSchema } });
    const { run } = await done(app, "startRun", { input: { target: { agent: { name: `With ${what}` } }, text: "a".repeat(60) } });
    let [before, slowest] = [performance.now(), 0];
    const clock = setInterval(() => {
      slowest = Math.max(slowest, performance.now() - before);
      before = performance.now();
    }, 10);
    expect(await settled(app, run.id)).toMatchObject({
      status: "FAILED",
      failure: { code: expect.stringMatching(/^(OUTPUT_INVALID|WORK_TOO_LONG)$/) },
    });
    clearInterval(clock);
    expect(slowest).toBeLessThan(5_000);
  });
});
