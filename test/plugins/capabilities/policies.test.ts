import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunContext, RunRequest } from "../../../src/core/index.ts";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { askedBy, called, decide, finished, seen, shop, tool, type Answer } from "./play.ts";

const made: { readonly name: string; readonly args: unknown }[] = [];
const noting = (name: string, rest: Parameters<typeof tool>[1] = {}) =>
  tool(name, {
    inputSchema: {
      type: "object",
      properties: { amount: { type: "number" }, to: { type: "string" }, list: { type: "array" } },
      additionalProperties: false,
    },
    execute: (args) => {
      made.push({ name, args });
      return args;
    },
    ...rest,
  });

const plugins = [
  models(),
  simulated(),
  agents(),
  capabilities({
    tools: {
      "bank.loose": { approval: "ALWAYS", agents: "mayLoosen" },
      "bank.ledger.*": { approval: { when: 'args.to == "secret"' } },
    },
  }),
  shop(
    noting("bank.read"),
    noting("bank.pay", { approval: { when: "args.amount > 100" } }),
    noting("bank.close", { approval: "ALWAYS" }),
    noting("bank.loose"),
    noting("bank.ledger.write"),
    noting("bank.night", { approval: { when: 'agent != null && agent.name == "night"' } }),
  ),
  fakeRuntime({ turn }),
];

/** Calls the tool that it is told of, with the arguments that it is told. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<never> {
  const { name, args } = request.input as { readonly name: string; readonly args: unknown };
  const data = (request.input as { readonly data?: { readonly name: string; readonly args: unknown } }).data ?? { name, args };
  const [outcome] = await ctx.callTools([{ callId: "c", name: data.name, arguments: data.args }]);
  yield* sayText(JSON.stringify(outcome)) as unknown as AsyncGenerator<never>;
}

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({ plugins });
});
afterAll(() => app.close());

interface Policy {
  readonly tool: string;
  readonly approval: "NEVER" | "ALWAYS" | "POLICY";
  readonly condition?: string | null;
}

const capabilitiesOfAll = ["bank.read", "bank.pay", "bank.close", "bank.loose", "bank.ledger.write", "bank.night"];

async function create(name: string, toolPolicies: readonly Policy[], on = app): Promise<Answer> {
  const { createAgent } = await on.graphql<{ createAgent: Answer }>(
    `mutation ($input: CreateAgentInput!) { createAgent(input: $input) {
      __typename ... on UserError { code message path } ... on InvalidInputError { issues { path message } }
    } }`,
    { input: { name, framework: "fake", capabilities: capabilitiesOfAll, toolPolicies } },
  );
  return createAgent;
}

let count = 0;

/** A run of an agent with these policies that makes one call. */
async function agentCalls(policies: readonly Policy[], name: string, args: unknown, on = app): Promise<string> {
  const agent = `agent ${++count}`;
  expect(await create(agent, policies, on)).toEqual({ __typename: "CreateAgentPayload" });
  return runOf(agent, name, args, on);
}

async function runOf(agent: string, name: string, args: unknown, on = app): Promise<string> {
  const { startRun } = await on.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { agent: { name: agent } }, input: { name, args } } },
  );
  return startRun.run.id;
}

const isAsked = async (run: string): Promise<boolean> => {
  await expect.poll(async () => (await seen(app, run)).status).not.toMatch(/QUEUED|RUNNING/);
  return (await seen(app, run)).status === "WAITING";
};

describe("the rule of a tool", () => {
  it("asks where its condition holds, and says which, for agents and for people", async () => {
    expect(await isAsked(await called(app, "bank.pay", { amount: 100 }))).toBe(false);
    expect(await isAsked(await agentCalls([], "bank.pay", { amount: 5 }))).toBe(false);
    for (const run of [await called(app, "bank.pay", { amount: 100.5 }), await agentCalls([], "bank.pay", { amount: 101 })]) {
      expect((await askedBy(app, run)).message).toBe('Allow "bank.pay"? The tool asks where: args.amount > 100');
    }
  });

  it("asks where it cannot be told, and says why", async () => {
    const question = await askedBy(app, await called(app, "bank.pay", { to: "Ada" }));
    expect(question.message).toMatch(/args\.amount > 100 \(this could not be told: .*No such key: amount/);
  });

  it("asks where it takes too long, and holds nobody up meanwhile", async () => {
    const slow = ['args.to.matches("^(a+)+$")', "args.list.all(x, args.list.all(y, args.list.all(z, x + y + z >= 0)))"];
    const args = { to: `${"a".repeat(60)}!`, list: Array.from({ length: 2_000 }, (_, n) => n) };
    for (const condition of slow) {
      const run = await agentCalls([{ tool: "bank.read", approval: "POLICY", condition }], "bank.read", args);
      expect((await askedBy(app, run)).message).toContain("it takes too long");
    }
  });

  it("may be set by the operator, by name and by the beginning of names", async () => {
    expect(await isAsked(await called(app, "bank.loose"))).toBe(true);
    expect(await isAsked(await called(app, "bank.ledger.write", { to: "secret" }))).toBe(true);
    expect(await isAsked(await called(app, "bank.ledger.write", { to: "open" }))).toBe(false);
  });

  it("knows which agent calls, and that a person is none", async () => {
    await create("night", []);
    expect(await isAsked(await runOf("night", "bank.night", {}))).toBe(true);
    expect(await isAsked(await agentCalls([], "bank.night", {}))).toBe(false);
    expect(await isAsked(await called(app, "bank.night"))).toBe(false);
  });

  it("shows in the graph", async () => {
    const { capabilities: all } = await app.graphql<{ capabilities: { nodes: unknown[] } }>(
      '{ capabilities(search: "bank.") { nodes { name ... on Tool { approval approvalCondition } } } }',
    );
    expect(all.nodes).toEqual([
      { name: "bank.close", approval: "ALWAYS", approvalCondition: null },
      { name: "bank.ledger.write", approval: "POLICY", approvalCondition: 'args.to == "secret"' },
      { name: "bank.loose", approval: "ALWAYS", approvalCondition: null },
      { name: "bank.night", approval: "POLICY", approvalCondition: 'agent != null && agent.name == "night"' },
      { name: "bank.pay", approval: "POLICY", approvalCondition: "args.amount > 100" },
      { name: "bank.read", approval: "NEVER", approvalCondition: null },
    ]);
  });

  it("stops the boot where it could never be told, and names whose it is", async () => {
    const bad = shop(noting("bank.bad", { approval: { when: "args.amuont > 1" } }), noting("bank.worse", { approval: { when: "1 +" } }));
    await expect(testPlatform({ plugins: [capabilities({ tools: { "*": { approval: { when: "argz.x" } } } }), bad] })).rejects.toThrow(
      /"bank.bad" of "shop": the condition of its approval: The tool has no argument "amuont".*"bank.worse" of "shop".*setting of "\*" of "capabilities".*Unknown variable: argz/s,
    );
    await expect(testPlatform({ plugins: [capabilities({ tools: { "a b": {} } })] })).rejects.toThrow(/PLUGIN_CONFIG_INVALID/);
  });
});

describe("the policy of an agent", () => {
  it("asks more often than the tool, where its condition holds", async () => {
    expect(await isAsked(await agentCalls([{ tool: "bank.read", approval: "ALWAYS" }], "bank.read", {}))).toBe(true);
    const condition = 'args.to.endsWith("@example.com")';
    const policies: Policy[] = [{ tool: "bank.pay", approval: "POLICY", condition }];
    expect(await isAsked(await agentCalls(policies, "bank.pay", { amount: 1, to: "ada@example.org" }))).toBe(false);
    const question = await askedBy(app, await agentCalls(policies, "bank.pay", { amount: 1, to: "ada@example.com" }));
    expect(question.message).toBe(`Allow "bank.pay"? The agent asks where: ${condition}`);
  });

  it("never takes the tool's own rule away", async () => {
    const policies: Policy[] = [{ tool: "bank.pay", approval: "POLICY", condition: "false" }];
    expect(await isAsked(await agentCalls(policies, "bank.pay", { amount: 500 }))).toBe(true);
    expect(await isAsked(await agentCalls([{ tool: "*", approval: "NEVER" }], "bank.close", {}))).toBe(true);
  });

  it("may ask less often where the operator allows that", async () => {
    expect(await isAsked(await agentCalls([{ tool: "bank.loose", approval: "NEVER" }], "bank.loose", {}))).toBe(false);
  });

  it("counts by the closest name", async () => {
    const policies: Policy[] = [
      { tool: "*", approval: "ALWAYS" },
      { tool: "bank.*", approval: "POLICY", condition: "has(args.to)" },
      { tool: "bank.read", approval: "NEVER" },
    ];
    expect(await isAsked(await agentCalls(policies, "bank.read", { to: "x" }))).toBe(false);
    expect(await isAsked(await agentCalls(policies, "bank.night", { to: "x" }))).toBe(true);
    expect(await isAsked(await agentCalls(policies, "bank.night", {}))).toBe(false);
  });

  it.each([
    {
      what: "a condition that is no CEL",
      policy: { tool: "bank.read", approval: "POLICY", condition: "args.amount >" },
      at: "condition",
      says: /Unexpected token/,
    },
    {
      what: "a name that it does not know",
      policy: { tool: "bank.read", approval: "POLICY", condition: "user.name == 'x'" },
      at: "condition",
      says: /Unknown variable: user/,
    },
    {
      what: "an argument that the tool does not have",
      policy: { tool: "bank.read", approval: "POLICY", condition: "args.sum > 1" },
      at: "condition",
      says: /no argument "sum"/,
    },
    {
      what: "types that do not fit",
      policy: { tool: "bank.read", approval: "POLICY", condition: "size(args) > 'a'" },
      at: "condition",
      says: /no such overload/,
    },
    {
      what: "a value that is no answer",
      policy: { tool: "bank.read", approval: "POLICY", condition: "size(args)" },
      at: "condition",
      says: /true or false/,
    },
    { what: "no condition", policy: { tool: "bank.read", approval: "POLICY" }, at: "condition", says: /goes with a condition/ },
    {
      what: "a condition that nothing asks for",
      policy: { tool: "bank.read", approval: "ALWAYS", condition: "true" },
      at: "condition",
      says: /ALWAYS has none/,
    },
    { what: "a name that is none", policy: { tool: "bank read", approval: "ALWAYS" }, at: "tool", says: /names no tool/ },
    {
      what: "less than the tool",
      policy: { tool: "bank.close", approval: "NEVER" },
      at: "approval",
      says: /always asks; an agent may only ask more often/,
    },
    {
      what: "a condition for what always asks",
      policy: { tool: "bank.close", approval: "POLICY", condition: "false" },
      at: "approval",
      says: /always asks/,
    },
    { what: "never for what asks sometimes", policy: { tool: "bank.pay", approval: "NEVER" }, at: "approval", says: /under a condition/ },
  ] as const)("is refused with $what, and no agent is made", async ({ policy, at, says }) => {
    const answer = await create("wrong", [policy]);
    expect(answer).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT" });
    expect(answer.issues).toEqual([{ path: ["input", "toolPolicies", "0", at], message: expect.stringMatching(says) }]);
    expect(await app.graphql('{ agent(ref: { name: "wrong" }) { id } }')).toEqual({ agent: null });
  });

  it("is refused twice for one tool", async () => {
    const answer = await create("twice", [
      { tool: "bank.read", approval: "ALWAYS" },
      { tool: "bank.read", approval: "NEVER" },
    ]);
    expect(answer.issues).toEqual([{ path: ["input", "toolPolicies", "1", "tool"], message: 'There is another policy for "bank.read".' }]);
  });

  it("is part of a version: open runs keep theirs, and an old one is restored with it", async () => {
    await create("kept", [{ tool: "bank.read", approval: "ALWAYS" }]);
    const run = await runOf("kept", "bank.read", { amount: 1 });
    const question = await askedBy(app, run);
    const update = async (input: object): Promise<unknown> => {
      const { updateAgent } = await app.graphql<{ updateAgent: { agent?: unknown } }>(
        `mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) {
          ... on UpdateAgentPayload { agent { version toolPolicies { tool approval condition } } } ... on UserError { message }
        } }`,
        { input: { agent: { name: "kept" }, ...input } },
      );
      return updateAgent.agent;
    };
    expect(await update({ instructions: "Be kind." })).toEqual({
      version: 2,
      toolPolicies: [{ tool: "bank.read", approval: "ALWAYS", condition: null }],
    });
    expect(await update({ toolPolicies: null })).toEqual({ version: 3, toolPolicies: [] });
    expect(await isAsked(await runOf("kept", "bank.read", {}))).toBe(false);
    await decide(app, question, { kind: "APPROVE" });
    expect(await finished(app, run)).toMatchObject({ status: "SUCCEEDED" });
    const { restoreAgentVersion } = await app.graphql<{ restoreAgentVersion: unknown }>(
      'mutation { restoreAgentVersion(agent: { name: "kept" }, version: 1) { ... on RestoreAgentVersionPayload { agent { version toolPolicies { approval } } } } }',
    );
    expect(restoreAgentVersion).toEqual({ agent: { version: 4, toolPolicies: [{ approval: "ALWAYS" }] } });
    expect(await isAsked(await runOf("kept", "bank.read", {}))).toBe(true);
  });
});

describe("a decision on what a policy asks", () => {
  const policies: Policy[] = [{ tool: "bank.pay", approval: "POLICY", condition: 'args.to == "eve"' }];
  const args = { amount: 7, to: "eve" };

  it("is for exactly the call that was asked about, also across a restart, and runs it once", async () => {
    await using own = await testPlatform({ plugins });
    made.length = 0;
    const run = await agentCalls(policies, "bank.pay", args, own);
    const question = await askedBy(own, run);
    expect(question).toMatchObject({ kind: "TOOL_APPROVAL", arguments: args });
    await own.restart();
    expect(await decide(own, { ...question, argumentsHash: "0".repeat(64) }, { kind: "APPROVE" })).toMatchObject({
      __typename: "ConflictError",
    });
    expect(await decide(own, question, { kind: "APPROVE" }, testViewer("eve"))).toMatchObject({ __typename: "NotFoundError" });
    expect(await decide(own, question, { kind: "ANSWER", payload: "yes" })).toMatchObject({ __typename: "InvalidInputError" });
    expect(made).toEqual([]);
    const twice = await Promise.all([decide(own, question, { kind: "APPROVE" }), decide(own, question, { kind: "APPROVE" })]);
    expect(twice.map(({ __typename }) => __typename)).toEqual(["DecideInterruptPayload", "DecideInterruptPayload"]);
    expect(await finished(own, run)).toMatchObject({ status: "SUCCEEDED" });
    expect(await decide(own, question, { kind: "REJECT" })).toMatchObject({ __typename: "ConflictError" });
    expect(made).toEqual([{ name: "bank.pay", args }]);
  });

  it("may change the arguments, which have to fit the tool; nothing else is run", async () => {
    made.length = 0;
    const run = await agentCalls(policies, "bank.pay", args);
    const question = await askedBy(app, run);
    expect(await decide(app, question, { kind: "EDIT", arguments: { amount: "all" } })).toMatchObject({
      __typename: "InvalidInputError",
      issues: [{ path: ["input", "arguments", "amount"], message: "must be number" }],
    });
    expect(await decide(app, question, { kind: "EDIT", arguments: { amount: 500, to: "ada" } })).toMatchObject({
      __typename: "DecideInterruptPayload",
    });
    await finished(app, run);
    expect(made).toEqual([{ name: "bank.pay", args: { amount: 500, to: "ada" } }]);
  });

  it("still counts where the operator has made the rule another since: no call runs unasked that was asked about", async () => {
    const looser = [
      ...plugins.slice(0, 3),
      capabilities({ tools: { "*": { approval: "NEVER", agents: "mayLoosen" } } }),
      ...plugins.slice(4),
    ];
    await using own = await testPlatform({ plugins });
    made.length = 0;
    const run = await called(own, "bank.close");
    const question = await askedBy(own, run);
    await own.platform.close();
    await using later = await testPlatform({ plugins: looser, dataDir: own.dataDir });
    await later.platform.database.commit(({ sql }) => sql.run("update runs_run set due_at = 0 where status = 'WAITING'"));
    await expect.poll(async () => (await seen(later, run)).status).toBe("WAITING");
    expect(made).toEqual([]);
    await decide(later, question, { kind: "REJECT", reason: "No." });
    expect(await finished(later, run)).toMatchObject({ status: "FAILED", failure: { code: "TOOL_DENIED", message: "No." } });
    expect(made).toEqual([]);
  });

  it("of arguments that fit when it was made and fit no more is told to the caller", async () => {
    await using own = await testPlatform({ plugins });
    made.length = 0;
    const run = await called(own, "bank.close", { amount: 1 });
    await decide(own, await askedBy(own, run), { kind: "REJECT" }, testViewer("nobody"));
    const question = await askedBy(own, run);
    const narrow = noting("bank.close", { approval: "ALWAYS", inputSchema: { type: "object", properties: { amount: { maximum: 5 } } } });
    await own.platform.database.commit(({ sql }) =>
      sql.run("update runs_run set lease_owner = 'elsewhere', lease_until = ? where status = 'WAITING'", Date.now() + 60_000),
    );
    await decide(own, question, { kind: "EDIT", arguments: { amount: 50 } });
    await own.platform.close();
    await using later = await testPlatform({ plugins: [capabilities(), shop(narrow)], dataDir: own.dataDir });
    expect(await finished(later, run)).toMatchObject({
      status: "FAILED",
      failure: { message: expect.stringContaining("amount must be <= 5") },
    });
    expect(made).toEqual([]);
  });
});
