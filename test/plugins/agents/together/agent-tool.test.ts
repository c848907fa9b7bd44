import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, type TestPlatform } from "../../../../src/testing/index.ts";
import { say } from "../../../runs/fixtures.ts";
import { askedBy, decide, tool } from "../../capabilities/play.ts";
import { ada, mutations, stranger } from "../fixture.ts";
import { asks, asksFor, echoes, finished, hire, started, teamPlatform, told, treeOf, until, type Team } from "./fixture.ts";

const team: Team = {};
const sent: unknown[] = [];
const mail = tool("mail.send", { approval: "ALWAYS", idempotent: false, execute: (args: never) => sent.push(args) });

let app: TestPlatform;
beforeAll(async () => {
  app = await teamPlatform(team, { brought: [mail] });
});
afterAll(() => app.close());

interface Followed {
  readonly seq: number;
  readonly type: string;
  readonly runId: string;
  readonly runStatus?: string;
}

/** All events of a root's stream, until its end. */
async function streamOf(id: string): Promise<Followed[]> {
  const query = "subscription ($id: ID!) { runEvents(run: $id, after: 0) { seq type runId ... on RunStatusEvent { runStatus } } }";
  const events = await collect(app.subscribe<{ runEvents: Followed }>(query, { id }, ada), {
    until: ({ runEvents: { runId, runStatus = "" } }) => runId === id && finished.includes(runStatus),
  });
  return events.map(({ runEvents }) => runEvents);
}

describe("an agent that is a tool of another", () => {
  it("answers in the place of its caller: three below each other end where one run may be at work, in one stream", async () => {
    Object.assign(team, { Lead: asks("Deputy"), Deputy: asks("Clerk", "What do you hear?"), Clerk: echoes });
    await hire(app, { Clerk: [], Deputy: ["agent.Clerk"], Lead: ["agent.Deputy"] });
    const { id } = await started(app, { name: "Lead" });
    const events = await streamOf(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === "message.delta").map(({ runId }) => runId)).toContain(id);
    expect(new Set(events.map(({ runId }) => runId)).size).toBe(3);
    const clerk = { targetName: "Clerk", trigger: "PARENT", status: "SUCCEEDED", text: "Clerk heard: What do you hear?" };
    const deputy = {
      targetName: "Deputy",
      status: "SUCCEEDED",
      steps: { nodes: [{ name: "agent.Clerk", status: "SUCCEEDED", childRun: clerk }] },
    };
    expect(await treeOf(app, id)).toMatchObject({
      status: "SUCCEEDED",
      text: expect.stringContaining("What do you hear?") as unknown,
      steps: { nodes: [{ kind: "TOOL", name: "agent.Deputy", status: "SUCCEEDED", childRun: deputy }] },
    });
    const paid = events.filter(({ type }) => type === "usage.recorded");
    expect(new Set(paid.map(({ runId }) => runId)).size).toBe(3);
  });

  it("stands among the capabilities of its caller; one that no tenant's agent has the name of is missing", async () => {
    await hire(app, { Known: [], "Dr. Who?": [], Boss: ["agent.Known", "agent.Dr. Who?", "agent.Nobody"] });
    const query = `{ agent(ref: { name: "Boss" }) { missingCapabilities health { detail } capabilities { id kind name description plugin } } }`;
    const { agent } = await app.graphql<{ agent: { missingCapabilities: string[]; capabilities: { id: string; name: string }[] } }>(
      query,
      {},
      ada,
    );
    expect(agent).toMatchObject({
      missingCapabilities: ["agent.Nobody"],
      capabilities: [
        { name: "agent.Known", kind: "TOOL", plugin: "agents" },
        { name: "agent.Dr. Who?", kind: "TOOL" },
      ],
    });
    const node = "query ($id: ID!) { node(id: $id) { ... on Tool { name } } }";
    const id = agent.capabilities[0]?.id;
    expect(await app.graphql(node, { id }, ada)).toEqual({ node: { name: "agent.Known" } });
    expect(await app.graphql(node, { id }, stranger), "another tenant has no such agent").toEqual({ node: null });
  });

  it("answers by its output schema where it has one", async () => {
    const outputSchema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    team["Counter"] = () => say([JSON.stringify({ n: 3 })]);
    team["Teller"] = asks("Counter");
    await hire(app, { Counter: [] }, { outputSchema });
    await hire(app, { Teller: ["agent.Counter"] });
    expect(await told(app, "Teller")).toMatchObject({ status: "SUCCEEDED", text: 'It says {"n":3}.' });
  });

  it("is handed data beside the text", async () => {
    team["Reader"] = ({ input }) => say([`${(input as { data: { count: number } }).data.count} looms`]);
    team["Giver"] = asksFor("Reader", { text: "How many?", input: { sku: "L-1", count: 2 } });
    await hire(app, { Reader: [], Giver: ["agent.Reader"] });
    expect((await told(app, "Giver")).text).toBe('It says "2 looms".');
  });

  it.each([
    ["is paused", "Paused", () => mutations(app).stop({ name: "Paused" }, undefined), /paused/],
    ["is archived", "Archived", () => mutations(app).archive({ name: "Archived" }), /archived/],
  ])("that %s answers that it takes no runs, and its caller goes on", async (_, name, stop, words) => {
    team[`Asks${name}`] = asks(name);
    await hire(app, { [name]: [], [`Asks${name}`]: [`agent.${name}`] });
    await stop();
    const { status, text } = await told(app, `Asks${name}`);
    expect({ status, text }).toEqual({ status: "SUCCEEDED", text: expect.stringMatching(words) as unknown });
    expect(text).toContain("It did not: ERROR");
  });

  it("that fails says so to its caller, which goes on", async () => {
    team["Broken"] = () => {
      throw new Error("a thread tore");
    };
    team["Patient"] = asks("Broken");
    await hire(app, { Broken: [], Patient: ["agent.Broken"] });
    expect(await told(app, "Patient")).toMatchObject({
      status: "SUCCEEDED",
      text: expect.stringContaining('ERROR The run of "Broken" failed') as unknown,
    });
  });

  it("may ask itself once, and not again", async () => {
    team["Narcissus"] = asks("Narcissus");
    await hire(app, { Narcissus: ["agent.Narcissus"] });
    const { status, text } = await told(app, "Narcissus");
    expect(status).toBe("SUCCEEDED");
    expect(text).toContain("Narcissus → Narcissus → Narcissus");
  });

  it("stands at most eight deep, and the model that asks for a ninth is told the chain", async () => {
    const names = Array.from({ length: 9 }, (_, index) => `L${index + 1}`);
    for (const [index, name] of names.entries()) {
      team[name] = index === 8 ? echoes : asks(names[index + 1] ?? "");
      await hire(app, { [name]: index === 8 ? [] : [`agent.${names[index + 1]}`] });
    }
    const { status, text } = await told(app, "L1");
    expect(status).toBe("SUCCEEDED");
    expect(text).toContain("L1 → L2 → L3 → L4 → L5 → L6 → L7 → L8 → L9");
  });

  it("has what is left of its caller's tokens, and is not asked where nothing is", async () => {
    team["Spender"] = async function* (request, ctx) {
      yield { kind: "usage.recorded", provider: "local", model: "scripted", inputTokens: 6, outputTokens: 0 };
      yield* asks("Talker")(request, ctx);
    };
    team["Talker"] = () => say(Array.from({ length: 8 }, () => "la "));
    await hire(app, { Talker: [], Spender: ["agent.Talker"] });
    const limited = async (maxTokens: number): Promise<string | null> => {
      const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
        `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
        { input: { target: { agent: { name: "Spender" } }, text: "Go.", limits: { maxTokens } } },
        ada,
      );
      return (await until(app, startRun.run.id, finished)).text;
    };
    expect(await limited(100)).toContain("la la");
    expect(await limited(12)).toContain("limit of 6 tokens");
    expect(await limited(6)).toContain("limit of 6 tokens");
  });
});

describe("an agent below another that waits for a person", () => {
  it("has the one above wait without a place, is asked once, and its answer wakes the one above", async () => {
    team["Sender"] = async function* (_, ctx) {
      const [outcome] = await ctx.callTools([{ callId: "send", name: "mail.send", arguments: { to: "bob" } }]);
      yield* say([`${outcome?.status}`]);
    };
    team["Chief"] = asks("Sender");
    team["Bystander"] = echoes;
    await hire(app, { Sender: ["mail.send"], Chief: ["agent.Sender"], Bystander: [] });
    const { id } = await started(app, { name: "Chief" });
    await until(app, id, ["WAITING"]);
    expect(await told(app, "Bystander"), "the place is free").toMatchObject({ status: "SUCCEEDED" });

    const below = (await treeOf(app, id)).steps.nodes[0]?.childRun;
    expect(below).toMatchObject({ targetName: "Sender", status: "WAITING" });
    const asked = await askedBy(app, below?.id ?? "", ada);
    expect(asked).toMatchObject({ kind: "TOOL_APPROVAL", toolName: "mail.send" });
    await app.restart();
    expect(await treeOf(app, id)).toMatchObject({ status: "WAITING" });
    await decide(app, asked, { kind: "APPROVE" }, ada);
    expect(await until(app, id, finished)).toMatchObject({ status: "SUCCEEDED", text: 'It says "SUCCESS".' });
    expect(sent).toEqual([{ to: "bob" }]);
    expect((await treeOf(app, id)).steps.nodes).toMatchObject([{ status: "SUCCEEDED", childRun: { id: below?.id } }]);
  });

  it("is asked about first where a policy of its caller says so, with what a person made of the text", async () => {
    const name = "By Stander, Jr.";
    Object.assign(team, { Guarded: asks(name, "Anything."), [name]: echoes });
    const toolPolicies = [
      { tool: `agent.${name}`, approval: "ALWAYS" },
      { tool: "agent.*", approval: "NEVER" },
    ];
    await hire(app, { [name]: [] });
    await hire(app, { Guarded: [`agent.${name}`] }, { toolPolicies });
    const { id } = await started(app, { name: "Guarded" });
    const asked = await askedBy(app, id, ada);
    expect(asked).toMatchObject({ toolName: `agent.${name}`, arguments: { text: "Anything." } });
    expect((await treeOf(app, id)).steps.nodes, "nobody is asked yet").toEqual([]);
    await app.restart();
    const wrong = await decide(app, asked, { kind: "EDIT", arguments: { words: "Something else." } }, ada);
    expect(wrong, "what the tool does not take").toMatchObject({ __typename: "InvalidInputError" });
    await decide(app, asked, { kind: "EDIT", arguments: { text: "Something else." } }, ada);
    expect(await until(app, id, finished)).toMatchObject({ text: 'It says "By Stander, Jr. heard: Something else.".' });
  });

  it("may be cancelled alone: its caller is told and goes on", async () => {
    team["Alone"] = team["Sender"] ?? echoes;
    team["Unmoved"] = asks("Alone");
    await hire(app, { Alone: ["mail.send"], Unmoved: ["agent.Alone"] });
    const { id } = await started(app, { name: "Unmoved" });
    await until(app, id, ["WAITING"]);
    const below = (await treeOf(app, id)).steps.nodes[0]?.childRun?.id;
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { id } } } }", { run: below }, ada);
    expect(await until(app, id, finished)).toMatchObject({ status: "SUCCEEDED", text: expect.stringContaining("CANCELLED") as unknown });
  });

  it("ends by the deadline of its caller", async () => {
    team["Late"] = team["Sender"] ?? echoes;
    team["Hasty"] = asks("Late");
    await hire(app, { Late: ["mail.send"], Hasty: ["agent.Late"] });
    const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
      `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
      { input: { target: { agent: { name: "Hasty" } }, text: "Go.", limits: { deadline: "PT0.8S" } } },
      ada,
    );
    const { id } = startRun.run;
    expect(await until(app, id, finished)).toMatchObject({ status: "EXPIRED" });
    expect(await treeOf(app, id)).toMatchObject({ steps: { nodes: [{ status: "CANCELLED", childRun: { targetName: "Late" } }] } });
    expect(finished).toContain((await treeOf(app, id)).steps.nodes[0]?.childRun?.status);
  });

  it("is cancelled with it, and ends before it", async () => {
    team["Waiter"] = team["Sender"] ?? echoes;
    team["Cancelled"] = asks("Waiter");
    await hire(app, { Waiter: ["mail.send"], Cancelled: ["agent.Waiter"] });
    const { id } = await started(app, { name: "Cancelled" });
    await until(app, id, ["WAITING"]);
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { id } } } }", { run: id }, ada);
    const ends = (await streamOf(id)).filter(({ type }) => type === "run.cancelled");
    expect(ends).toHaveLength(2);
    expect(ends.at(-1)?.runId).toBe(id);
    expect(await treeOf(app, id)).toMatchObject({ steps: { nodes: [{ status: "CANCELLED", childRun: { status: "CANCELLED" } }] } });
  });
});

describe("an agent below another whose process is lost", () => {
  it("goes on in the next one, in the place of its caller, and is not asked again", async () => {
    let turns = 0;
    team["Slow"] = async function* (request, ctx) {
      turns++;
      if (turns === 1) await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
      yield* echoes(request, ctx);
    };
    team["Steady"] = asks("Slow");
    await hire(app, { Slow: [], Steady: ["agent.Slow"] });
    const { id } = await started(app, { name: "Steady" });
    await expect.poll(() => turns).toBe(1);
    await app.restart();
    expect(await until(app, id, finished)).toMatchObject({ status: "SUCCEEDED", text: 'It says "Slow heard: Go on.".' });
    expect(turns).toBe(2);
    const { run } = await app.graphql<{ run: unknown }>(
      "query ($id: ID!) { run(id: $id) { children(first: 5) { nodes { targetName } } interrupts { nodes { kind } } } }",
      { id },
      ada,
    );
    expect(run).toEqual({ children: { nodes: [{ targetName: "Slow" }] }, interrupts: { nodes: [] } });
  });
});

describe("a cancel while an agent below is at work", () => {
  it("reaches both", async () => {
    team["Busy"] = async function* (_, { signal }) {
      yield { kind: "progress", done: 1 };
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    };
    team["Impatient"] = asks("Busy");
    await hire(app, { Busy: [], Impatient: ["agent.Busy"] });
    const { id } = await started(app, { name: "Impatient" });
    await expect.poll(async () => (await treeOf(app, id)).steps.nodes[0]?.childRun?.status).toBe("RUNNING");
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { id } } } }", { run: id }, ada);
    expect(await until(app, id, finished)).toMatchObject({ status: "CANCELLED" });
    expect(await treeOf(app, id)).toMatchObject({ steps: { nodes: [{ childRun: { status: "CANCELLED" } }] } });
  });
});
