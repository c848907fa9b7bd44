import { expect } from "vitest";
import { contribution, definePlugin, globalId, tools, type RunContext, type RunRequest, type ToolDefinition, type Viewer } from "#weftline";
import { agents, capabilities, chat, models, simulated } from "../../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

export const alice = testViewer("alice");
export const bob = testViewer("bob");
/** Holds the role that the tool names. */
export const tess = testViewer("tess", { roles: ["treasurer"] });
export const tom = testViewer("tom", { roles: ["treasurer"] });
/** Is named by agents. */
export const carl = testViewer("carl");
export const admin = testViewer("admin", { roles: ["admin"] });
export const auditor = testViewer("auditor", { roles: ["admin", "audit"] });
export const chief = testViewer("chief", { roles: ["admin", "treasurer"] });
export const stranger = testViewer("tess", { tenantId: "other", roles: ["treasurer"] });

const tool = (name: string, rest: Partial<ToolDefinition>): ToolDefinition => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: "object" },
  sideEffects: "WRITE",
  approval: "NEVER",
  idempotent: true,
  timeoutMs: 2_000,
  execute: () => `${name} done`,
  ...rest,
});

const bank = definePlugin({
  id: "bank",
  contributes: [
    tool("bank.pay", { approval: "ALWAYS", approvers: { roles: ["treasurer"] } }),
    tool("bank.close", { approval: "ALWAYS", approvers: { roles: ["nobody-has-it"] } }),
    tool("bank.set", { approval: "ALWAYS", approvers: { roles: ["somebody"] } }),
    tool("bank.read", {}),
  ].map((each) => contribution(tools, each.name, each)),
});

/** Calls the tool or asks the question that it is told to. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<never> {
  const said = request.messages.findLast(({ role }) => role === "USER");
  const text = said?.role === "USER" ? said.parts.map((part) => (part.type === "text" ? part.text : "")).join("") : "";
  if (text === "question") {
    const outcome = await ctx.ask({
      key: "colour",
      kind: "INPUT",
      message: "Which colour?",
      responseSchema: { type: "string" },
      allowed: ["ANSWER"],
      approvers: { actors: ["carl"] },
    });
    yield* sayText(JSON.stringify(outcome)) as unknown as AsyncGenerator<never>;
    return;
  }
  const [outcome] = await ctx.callTools([{ callId: "c", name: text.split(" ")[0] ?? "", arguments: { note: "for the loom" } }]);
  yield* sayText(`SECRET-ANSWER ${JSON.stringify(outcome)}`) as unknown as AsyncGenerator<never>;
}

export const boot = (): Promise<TestPlatform> =>
  testPlatform({
    plugins: [
      models(),
      simulated(),
      agents(),
      chat(),
      capabilities({ tools: { "bank.set": { approvers: { roles: ["treasurer"], actors: ["carl"] } } } }),
      bank(),
      fakeRuntime({ turn }),
    ],
  });

const failure = "... on UserError { code message path } ... on InvalidInputError { issues { path message } }";

export interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
}

export interface Policy {
  readonly tool: string;
  readonly approval: "NEVER" | "ALWAYS";
  readonly approvers?: { readonly roles?: readonly string[]; readonly actors?: readonly string[] };
}

export async function createAgent(app: TestPlatform, name: string, toolPolicies: readonly Policy[] = []): Promise<Answer> {
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename ${failure} } }`,
    { input: { name, framework: "fake", capabilities: ["bank.pay", "bank.close", "bank.set", "bank.read"], toolPolicies } as never },
    alice,
  );
  return result;
}

/** The actor's id in the graph; an actor is known once it has written something. */
export async function actor(app: TestPlatform, viewer: Viewer): Promise<string> {
  await app.graphql('mutation { createThread(input: { title: "t" }) { __typename } }', {}, viewer);
  return globalId("Actor", `${viewer.tenantId}/${viewer.actorId}`);
}

export interface Asked {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  readonly arguments: unknown;
  readonly argumentsHash: string | null;
  readonly responseSchema: unknown;
  readonly canDecide: boolean;
  readonly run: { readonly id: string };
  readonly decision: { readonly kind: string; readonly by: { readonly name: string } } | null;
}

const askedFields = "id status message arguments argumentsHash responseSchema canDecide run { id } decision { kind by { name } }";

/** What stands in a viewer's list, by run. */
export async function listed(app: TestPlatform, viewer: Viewer, args = ""): Promise<readonly Asked[]> {
  const query = `{ interrupts${args} { totalCount nodes { ${askedFields} } } }`;
  const { interrupts } = await app.graphql<{ interrupts: { totalCount: number; nodes: readonly Asked[] } }>(query, {}, viewer);
  expect(interrupts.totalCount).toBe(interrupts.nodes.length);
  return interrupts.nodes;
}

export async function startRun(app: TestPlatform, agent: string, text: string): Promise<string> {
  const { result } = await app.graphql<{ result: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { result: startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { agent: { name: agent } }, text, input: { told: "SECRET-INPUT" }, metadata: { told: "SECRET-METADATA" } } },
    alice,
  );
  return result.run.id;
}

export async function statusOf(app: TestPlatform, run: string): Promise<string> {
  const { run: found } = await app.graphql<{ run: { status: string } }>("query ($run: ID!) { run(id: $run) { status } }", { run }, alice);
  return found.status;
}

/** A run that asks, and what it asks as its owner sees it. */
export async function asking(app: TestPlatform, agent: string, text = "bank.pay SECRET-TEXT"): Promise<Asked> {
  return askedBy(app, await startRun(app, agent, text));
}

export async function askedBy(app: TestPlatform, run: string): Promise<Asked> {
  await expect.poll(() => statusOf(app, run), { interval: 5 }).toBe("WAITING");
  const [asked] = await listed(app, alice, `(run: ${JSON.stringify(run)})`);
  return asked ?? expect.fail("the run asks nothing");
}

export async function decide(app: TestPlatform, asked: Asked, viewer: Viewer, more: object = { kind: "APPROVE" }): Promise<Answer> {
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($input: DecideInterruptInput!) { result: decideInterrupt(input: $input) { __typename ${failure} } }`,
    { input: { interrupt: asked.id, argumentsHash: asked.argumentsHash, ...more } as never },
    viewer,
  );
  return result;
}
