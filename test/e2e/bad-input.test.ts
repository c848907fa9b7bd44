import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../src/testing/index.ts";
import { ada, askToSend, bob, changesNothing, done, eve, mutate, secret, settle, settled, shippedPlatform, type Arguments, type Belongings } from "./world.ts";

let app: TestPlatform;
let own: Belongings;
/** Objects in states that refuse things. */
let odd: { draft: string; paused: string; archived: string; archivedThread: string; archivedRun: string; archivedAnswer: string; agentless: string; busy: string };

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  await settle(app, bob);
  await settle(app, eve);
  odd = await settleOdd();
});
afterAll(() => app.close());

async function settleOdd(): Promise<typeof odd> {
  const agent = async (name: string, activate = true): Promise<string> =>
    (await done(app, "createAgent", { input: { name, framework: "openai", activate } })).agent.id;
  const thread = async (input: Arguments): Promise<string> => (await done(app, "createThread", { input })).thread.id;
  const [draft, paused, archived] = [await agent("Drafted", false), await agent("Paused"), await agent("Archived")];
  await done(app, "stopAgent", { agent: { id: paused } });
  await done(app, "archiveAgent", { agent: { id: archived } });
  const archivedThread = await thread({ title: "Archived", agent: { id: own.agent } });
  const { run } = await done(app, "sendMessage", { input: { thread: archivedThread, text: "Hello" } });
  await settled(app, run.id);
  const { thread: shown } = await app.graphql<{ thread: { messages: { nodes: { id: string }[] } } }>(
    "query ($id: ID!) { thread(id: $id) { messages(last: 1) { nodes { id } } } }",
    { id: archivedThread },
    ada,
  );
  await done(app, "updateThread", { input: { thread: archivedThread, archived: true } });
  const archivedAnswer = shown.messages.nodes[0]?.id ?? "";
  return { draft, paused, archived, archivedThread, archivedRun: run.id, archivedAnswer, agentless: await thread({ title: "Agentless" }), busy: own.waitingThread };
}

interface Refusal {
  /** The mutation and what is wrong with its arguments. */
  readonly what: string;
  readonly args: () => Arguments;
  readonly type: "InvalidInputError" | "NotFoundError" | "ConflictError" | "UnavailableError";
  readonly code: string;
  readonly path: readonly string[] | null;
  /** What the reader is told, words and fix in one. */
  readonly says: RegExp;
  /** The field that issues names, where path says less. */
  readonly issue?: readonly string[];
}

function refuses(cases: readonly Refusal[]): void {
  it.each(cases)("$what", async ({ what, args, type, code, path, says, issue = path }) => {
    const [name = ""] = what.split(" ");
    const refused = await changesNothing(app, () => mutate(app, name, args()));
    expect(refused).toMatchObject({ __typename: type, code, path });
    const words = `${refused.reason} ${refused.fix}`;
    expect(words).toMatch(says);
    expect(words).not.toMatch(/\[object|NaN|\{\w+\}/);
    expect(JSON.stringify(refused)).not.toContain(secret);
    if (type === "InvalidInputError") expect(refused.issues?.map((issue) => issue.path)).toContainEqual(issue);
  });
}

const invalid = { type: "InvalidInputError", code: "INVALID_INPUT" } as const;
const conflict = { type: "ConflictError", code: "CONFLICT" } as const;
const inactive = { type: "ConflictError", code: "AGENT_NOT_ACTIVE" } as const;
const missing = { type: "NotFoundError", code: "NOT_FOUND" } as const;
const agentInput = (more: Arguments) => ({ input: { name: "New", framework: "openai", ...more } });
const send = (more: Arguments) => ({ input: { thread: own.thread, ...more } });
const run = (more: Arguments) => ({ input: { target: { agent: { id: own.agent } }, text: "Go.", ...more } });
const long = (length: number): string => "x".repeat(length);

describe("a definition of an agent is refused:", () => {
  refuses([
    { what: "createAgent with an unknown framework", args: () => agentInput({ framework: "abacus" }), type: "InvalidInputError", code: "FRAMEWORK_UNKNOWN", path: ["input", "framework"], says: /no framework "abacus".*Choose one of: openai/ },
    { what: "createAgent with an option out of bounds", args: () => agentInput({ options: { temperature: 7 } }), ...invalid, path: ["input", "options", "temperature"], says: /<=2|at most 2/i },
    { what: "createAgent with an option that is not one", args: () => agentInput({ options: { warmth: 1 } }), ...invalid, path: ["input", "options"], says: /warmth/ },
    { what: "createAgent with options that are a list", args: () => agentInput({ options: [] }), ...invalid, path: ["input", "options"], says: /JSON object/ },
    { what: "createAgent with options of 100 KB", args: () => agentInput({ options: { note: long(100_000) } }), ...invalid, path: ["input", "options"], says: /at most 65536/ },
    { what: "createAgent with an output schema that is none", args: () => agentInput({ outputSchema: { type: "thing" } }), ...invalid, path: ["input", "outputSchema"], says: /not a JSON Schema/ },
    { what: "createAgent with a blank name", args: () => agentInput({ name: "  " }), ...invalid, path: ["input", "name"], says: /not blank/ },
    { what: "createAgent with a name of 101 characters", args: () => agentInput({ name: long(101) }), ...invalid, path: ["input", "name"], says: /at most 100 characters; this one has 101/ },
    { what: "createAgent with a line break in its name", args: () => agentInput({ name: "a\nb" }), ...invalid, path: ["input", "name"], says: /line breaks/ },
    { what: "createAgent with a taken name", args: () => agentInput({ name: own.agentName }), ...conflict, path: ["input", "name"], says: /Another agent has the name/ },
    { what: "createAgent with a description of 2,001 characters", args: () => agentInput({ description: long(2_001) }), ...invalid, path: ["input", "description"], says: /At most 2000/ },
    { what: "createAgent with instructions of 100,001 characters", args: () => agentInput({ instructions: long(100_001) }), ...invalid, path: ["input", "instructions"], says: /at most 100000/ },
    { what: "createAgent with a model that nobody has", args: () => agentInput({ model: "spare/nothing" }), ...invalid, path: ["input", "model"], says: /which has: spare/ },
    { what: "createAgent with 129 capabilities", args: () => agentInput({ capabilities: Array.from({ length: 129 }, (_, n) => `tool.${n}`) }), ...invalid, path: ["input", "capabilities"], says: /at most 128/ },
    { what: "createAgent with a nameless capability", args: () => agentInput({ capabilities: ["time.now", " "] }), ...invalid, path: ["input", "capabilities", "1"], says: /1 to 100 characters/ },
    { what: "createAgent with a memory of nothing", args: () => agentInput({ memory: { limit: -1 } }), ...invalid, path: ["input", "memory", "limit"], says: /1 to 100/ },
    { what: "createAgent with an empty idempotency key", args: () => agentInput({ idempotencyKey: "" }), ...invalid, path: ["input", "idempotencyKey"], says: /1 to 200 characters/ },
    { what: "createAgentFromTemplate with an unknown template", args: () => ({ input: { template: "astrologer", name: "New" } }), ...missing, path: ["input", "template"], says: /There are: analyst, assistant, support/ },
    { what: "createAgentFromTemplate without a parameter that it needs", args: () => ({ input: { template: "support", name: "New" } }), ...invalid, path: ["input", "parameters", "company"], says: /company.*escalationContact/ },
    { what: "createAgentFromTemplate with a wrong parameter", args: () => ({ input: { template: "assistant", name: "New", parameters: { tone: "rude" } } }), ...invalid, path: ["input", "parameters", "tone"], says: /plain/ },
    { what: "createAgentFromTemplate with a parameter that is not one", args: () => ({ input: { template: "assistant", name: "New", parameters: { mood: 1 } } }), ...invalid, path: ["input", "parameters"], says: /mood/ },
    { what: "createAgentFromTemplate with parameters that are a text", args: () => ({ input: { template: "assistant", name: "New", parameters: "plain" } }), ...invalid, path: ["input", "parameters"], says: /object/ },
    { what: "createAgentFromTemplate with a name of 101 characters", args: () => ({ input: { template: "assistant", name: long(101) } }), ...invalid, path: ["input", "name"], says: /at most 100/ },
    { what: "updateAgent with a stale expectedVersion", args: () => ({ input: { agent: { id: own.agent }, instructions: "Other.", expectedVersion: 7 } }), type: "ConflictError", code: "VERSION_CONFLICT", path: ["input", "expectedVersion"], says: /version is 1, not 7.*Read it again/ },
    { what: "updateAgent to no framework", args: () => ({ input: { agent: { id: own.agent }, framework: null } }), type: "InvalidInputError", code: "FRAMEWORK_UNKNOWN", path: ["input", "framework"], says: /needs a framework/ },
    { what: "updateAgent to a taken name", args: () => ({ input: { agent: { id: own.agent }, name: "Paused" } }), ...conflict, path: ["input", "name"], says: /Another agent/ },
    { what: "updateAgent with a note of 2,001 characters", args: () => ({ input: { agent: { id: own.agent }, note: long(2_001) } }), ...invalid, path: ["input", "note"], says: /At most 2000/ },
    { what: "restoreAgentVersion to one that never was", args: () => ({ agent: { id: own.agent }, version: 9 }), ...missing, path: ["version"], says: /no such version/ },
    { what: "stopAgent of an archived agent", args: () => ({ agent: { id: odd.archived } }), ...conflict, path: ["agent"], says: /start it to bring it back/ },
    { what: "startAgent by a name that nobody has", args: () => ({ agent: { name: "Nobody" } }), ...missing, path: ["agent"], says: /no such agent/ },
  ]);
});

describe("a message is refused:", () => {
  const text = ["input", "text"];
  const parts = ["input", "parts"];
  refuses([
    { what: "sendMessage with an empty text", args: () => send({ text: "" }), ...invalid, path: text, says: /empty/ },
    { what: "sendMessage with a text of white space", args: () => send({ text: " \n\t\u3000" }), ...invalid, path: text, says: /empty/ },
    { what: "sendMessage with a text of 1 MB", args: () => send({ text: long(1_000_000) }), ...invalid, path: text, says: /at most 262144 bytes; this one has 1000000/ },
    { what: "sendMessage with a text of a byte too much", args: () => send({ text: `${long(256 * 1024 - 1)}é` }), ...invalid, path: text, says: /at most 262144 bytes/ },
    { what: "sendMessage with text and parts", args: () => send({ text: "Hello", parts: [{ text: "Hello" }] }), ...invalid, path: text, says: /either text or parts/ },
    { what: "sendMessage with neither text nor parts", args: () => send({}), ...invalid, path: text, says: /either text or parts/ },
    { what: "sendMessage with no part", args: () => send({ parts: [] }), ...invalid, path: parts, says: /at least one part/ },
    { what: "sendMessage with an empty part", args: () => send({ parts: [{ text: "Hello" }, { text: " " }] }), ...invalid, path: [...parts, "1", "text"], says: /empty/ },
    { what: "sendMessage with data of 300 KB", args: () => send({ parts: [{ data: { long: long(300_000) } }] }), ...invalid, path: parts, says: /at most 262144 bytes/ },
    { what: "sendMessage with a limit below one", args: () => send({ text: "Hello", limits: { maxSteps: 0, maxTokens: -1 } }), ...invalid, path: ["input", "limits", "maxSteps"], says: /At least 1/ },
    { what: "sendMessage with a deadline of nothing", args: () => send({ text: "Hello", limits: { deadline: "PT0S" } }), ...invalid, path: ["input", "limits", "deadline"], says: /Longer than nothing/ },
    { what: "sendMessage with a cost limit", args: () => send({ text: "Hello", limits: { maxCost: { amount: "1.00" } } }), type: "UnavailableError", code: "UNAVAILABLE", path: ["input", "limits", "maxCost"], says: /no plugin knows prices.*maxTokens instead/ },
    { what: "sendMessage with a cost that is no number", args: () => send({ text: "Hello", limits: { maxCost: { amount: "-1" } } }), ...invalid, path: ["input", "limits", "maxCost", "amount"], says: /Decimal digits/ },
    { what: "sendMessage to an archived thread", args: () => ({ input: { thread: odd.archivedThread, text: "Hello" } }), ...conflict, path: ["input", "thread"], says: /archived.*updateThread with archived: false/ },
    { what: "sendMessage in a thread without an agent", args: () => ({ input: { thread: odd.agentless, text: "Hello" } }), ...invalid, path: ["input", "agent"], says: /name one here, or set the thread's/ },
    { what: "sendMessage to a draft", args: () => send({ text: "Hello", agent: { id: odd.draft } }), ...inactive, path: ["input", "agent"], says: /"Drafted" is a draft.*startAgent/ },
    { what: "sendMessage to a stopped agent", args: () => send({ text: "Hello", agent: { id: odd.paused } }), ...inactive, path: ["input", "agent"], says: /"Paused" is paused.*startAgent/ },
    { what: "sendMessage to an archived agent", args: () => send({ text: "Hello", agent: { name: "Archived" } }), ...inactive, path: ["input", "agent"], says: /"Archived" is archived.*startAgent/ },
    { what: "sendMessage with onBusy REJECT while a run waits", args: () => ({ input: { thread: odd.busy, text: "Hello", onBusy: "REJECT" } }), type: "ConflictError", code: "BUSY", path: ["input", "onBusy"], says: /still open.*ENQUEUE or INTERRUPT/ },
    { what: "regenerateMessage of a question", args: () => ({ message: own.question }), ...invalid, path: ["message"], says: /Only an agent's answer/ },
    { what: "regenerateMessage in an archived thread", args: () => ({ message: odd.archivedAnswer }), ...conflict, path: ["message"], says: /archived/ },
    { what: "forkThread at a message of another thread", args: () => ({ thread: own.thread, at: odd.archivedAnswer }), ...missing, path: ["at"], says: /in this thread/ },
  ]);
});

describe("a thread is refused:", () => {
  refuses([
    { what: "createThread with a title of 201 characters", args: () => ({ input: { title: long(201) } }), ...invalid, path: ["input", "title"], says: /200/ },
    { what: "createThread with a blank title", args: () => ({ input: { title: " " } }), ...invalid, path: ["input", "title"], says: /not empty; null removes/ },
    { what: "createThread with a history of nothing", args: () => ({ input: { config: { historyLimit: 0 } } }), ...invalid, path: ["input", "config", "historyLimit"], says: /1/ },
    { what: "createThread with metadata of 17 KB", args: () => ({ input: { config: { metadata: { long: long(17_000) } } } }), ...invalid, path: ["input", "config", "metadata"], says: /16384 bytes/ },
    { what: "createThread with metadata that is a list", args: () => ({ input: { config: { metadata: [] } } }), ...invalid, path: ["input", "config", "metadata"], says: /JSON object/ },
    { what: "updateThread to keep messages for a second", args: () => ({ input: { thread: own.thread, config: { retention: "PT1S" } } }), ...invalid, path: ["input", "config", "retention"], says: /PT1M/ },
    { what: "clearThread with a run that waits", args: () => ({ thread: own.waitingThread }), type: "ConflictError", code: "BUSY", path: ["thread"], says: /open/ },
  ]);
});

describe("a run is refused:", () => {
  refuses([
    { what: "startRun with a text of white space", args: () => run({ text: " " }), ...invalid, path: ["input", "text"], says: /empty/ },
    { what: "startRun with a text of 1 MB", args: () => run({ text: long(1_000_000) }), ...invalid, path: ["input", "text"], says: /At most 256 KiB/ },
    { what: "startRun with an input of 300 KB", args: () => run({ input: [long(300_000)] }), ...invalid, path: ["input", "input"], says: /At most 256 KiB/ },
    { what: "startRun with an output schema that is none", args: () => run({ outputSchema: { type: "thing" } }), ...invalid, path: ["input", "outputSchema"], says: /type/ },
    { what: "startRun with limits below one", args: () => run({ limits: { maxTokens: 0, deadline: "PT0S" } }), ...invalid, path: ["input", "limits", "maxTokens"], says: /At least 1/ },
    { what: "startRun with a cost limit", args: () => run({ limits: { maxCost: { amount: "0.10", currency: "EUR" } } }), type: "UnavailableError", code: "UNAVAILABLE", path: ["input", "limits", "maxCost"], says: /could not be kept.*maxTokens instead/ },
    { what: "startRun of a draft", args: () => run({ target: { agent: { id: odd.draft } } }), ...inactive, path: ["input", "target", "agent"], says: /startAgent/ },
    { what: "startRun of a stopped agent", args: () => run({ target: { agent: { name: "Paused" } } }), ...inactive, path: ["input", "target", "agent"], says: /startAgent/ },
    { what: "startRun of an archived agent", args: () => run({ target: { agent: { id: odd.archived } } }), ...inactive, path: ["input", "target", "agent"], says: /startAgent/ },
    { what: "startRun in an archived thread", args: () => run({ thread: odd.archivedThread }), ...conflict, path: ["input", "thread"], says: /archived: false/ },
    { what: "startRun with onBusy REJECT in a thread where a run waits", args: () => run({ thread: odd.busy, onBusy: "REJECT" }), type: "ConflictError", code: "BUSY", path: ["input", "onBusy"], says: /ENQUEUE or INTERRUPT/ },
    { what: "cancelRun with a reason of 2,001 characters", args: () => ({ run: own.waitingRun, reason: long(2_001) }), ...invalid, path: ["reason"], says: /At most 2000/ },
    { what: "retryRun of a run that waits", args: () => ({ input: { run: own.waitingRun } }), ...conflict, path: ["input", "run"], says: /only a finished run can be retried/ },
    { what: "retryRun in an archived thread", args: () => ({ input: { run: odd.archivedRun } }), ...conflict, path: ["input", "run"], says: /archived: false/ },
  ]);
});

describe("a decision is refused:", () => {
  const decide = (more: Arguments) => ({ input: { interrupt: own.interrupt, kind: "APPROVE", argumentsHash: own.argumentsHash, ...more } });
  refuses([
    { what: "decideInterrupt without the hash", args: () => decide({ argumentsHash: null }), ...invalid, path: ["input", "argumentsHash"], says: /Pass the interrupt's argumentsHash/ },
    { what: "decideInterrupt with another hash", args: () => decide({ argumentsHash: "0".repeat(64) }), type: "ConflictError", code: "DECISION_CONFLICT", path: ["input"], says: /not those of this interrupt.*Read the interrupt again/ },
    { what: "decideInterrupt with a kind that is not allowed", args: () => decide({ kind: "ANSWER", payload: 1 }), ...invalid, path: ["input", "kind"], says: /APPROVE, EDIT, REJECT/ },
    { what: "decideInterrupt with an edit of nothing", args: () => decide({ kind: "EDIT" }), ...invalid, path: ["input", "arguments"], says: /needs the arguments/ },
    { what: "decideInterrupt with an edit that does not fit", args: () => decide({ kind: "EDIT", arguments: { to: "ada@example.com", subject: 7, body: "Hi" } }), ...invalid, path: ["input", "arguments"], says: /fields that issues names/, issue: ["input", "arguments", "subject"] },
    { what: "decideInterrupt with a reason of 2,001 characters", args: () => decide({ reason: long(2_001) }), ...invalid, path: ["input", "reason"], says: /At most 2000/ },
  ]);
});

describe("a run whose agent was stopped since", () => {
  it.each(["stopAgent", "archiveAgent"])("is not retried and not given anew after %s", async (stop) => {
    const { agent } = await done(app, "createAgent", { input: { name: `For ${stop}`, framework: "openai" } });
    const { thread } = await done(app, "createThread", { input: { agent: { id: agent.id } } });
    const sent = await done(app, "sendMessage", { input: { thread: thread.id, text: "Hello" } });
    const alone = await done(app, "startRun", { input: { target: { agent: { id: agent.id } }, text: "Hello" } });
    await Promise.all([settled(app, sent.run.id), settled(app, alone.run.id)]);
    await done(app, stop, { agent: { id: agent.id } });
    const again = await changesNothing(app, () =>
      Promise.all([mutate(app, "retryRun", { input: { run: sent.run.id } }), mutate(app, "retryRun", { input: { run: alone.run.id } })]),
    );
    for (const refused of again) expect(refused).toMatchObject({ __typename: "ConflictError", code: "AGENT_NOT_ACTIVE", path: ["input", "run"] });
  });
});

describe("a thread that forbids simulated answers", () => {
  it("gets none: the run fails and says what to do, also when it is retried or the thread changed its mind later", async () => {
    const input = { agent: { id: own.agent }, config: { simulatedAllowed: false } };
    const { thread } = await done(app, "createThread", { input });
    const sent = await done(app, "sendMessage", { input: { thread: thread.id, text: askToSend } });
    const failed = { status: "FAILED", text: null, provenance: null, failure: { code: "SIMULATION_FORBIDDEN" } };
    expect(await settled(app, sent.run.id)).toMatchObject(failed);
    const retried = await done(app, "retryRun", { input: { run: sent.run.id } });
    expect(await settled(app, retried.run.id)).toMatchObject(failed);

    await done(app, "updateThread", { input: { thread: thread.id, config: { simulatedAllowed: true } } });
    const allowed = await done(app, "sendMessage", { input: { thread: thread.id, text: "Hello" } });
    expect(await settled(app, allowed.run.id)).toMatchObject({ status: "SUCCEEDED", provenance: "SIMULATED" });
    await done(app, "updateThread", { input: { thread: thread.id, config: { simulatedAllowed: false } } });
    const forbidden = await done(app, "retryRun", { input: { run: allowed.run.id } });
    expect(await settled(app, forbidden.run.id)).toMatchObject(failed);
  });
});
