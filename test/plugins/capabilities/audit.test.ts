import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId, type RunContext, type RunEventBody, type RunRequest, type Viewer } from "../../../src/core/index.ts";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { chat } from "../../../src/plugins/chat/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { askedBy, called, decide, finished, seen, shop, tool } from "./play.ts";

const ada = testViewer("ada");
const bob = testViewer("bob");
const admin = testViewer("root", { roles: ["admin"] });
const auditor = testViewer("otto", { roles: ["admin", "audit"] });
const elsewhere = testViewer("otto", { tenantId: "other", roles: ["admin", "audit"] });

const stop = Promise.withResolvers<void>();

/** Makes the calls that it was told to. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const said = request.messages.findLast(({ role }) => role === "USER");
  const text = said?.role === "USER" && said.parts[0]?.type === "text" ? said.parts[0].text : "";
  const calls = text.split(" ").map((name, n) => ({ callId: `call ${n}`, name, arguments: { secret: "swordfish" } }));
  await ctx.callTools(calls);
  yield* sayText("Done.");
}

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({
    plugins: [
      models(),
      simulated(),
      agents(),
      chat(),
      capabilities(),
      shop(
        tool("shop.saw", { sideEffects: "WRITE" }),
        tool("shop.ask", { approval: "ALWAYS", sideEffects: "EXTERNAL" }),
        tool("shop.fail", { execute: () => Promise.reject(new Error("swordfish")) }),
        tool("shop.hang", { timeoutMs: 60_000, execute: () => stop.promise }),
      ),
      fakeRuntime({ turn }),
    ],
  });
  await app.graphql(
    'mutation { createAgent(input: { name: "joiner", framework: "fake", capabilities: ["shop.saw", "shop.ask", "shop.fail"] }) { __typename } }',
    {},
    ada,
  );
});
afterAll(() => app.close());

const fields = `toolName sideEffects argumentsHash owner { id } run { id } targetType targetName status attempts decision decidedBy { id }
  decidedAt requestedAt startedAt finishedAt durationMs`;

type Audit = Readonly<Record<string, unknown>> & { readonly id: string };

async function audits(viewer: Viewer, args = "first: 50"): Promise<readonly Audit[]> {
  const { toolCallAudits } = await app.graphql<{ toolCallAudits: { nodes: Audit[] } }>(
    `query { toolCallAudits(${args}) { nodes { id ${fields} } } }`,
    {},
    viewer,
  );
  return toolCallAudits.nodes;
}

const auditOf = async (viewer: Viewer, run: string): Promise<readonly Audit[]> => audits(viewer, `filter: { run: "${run}" }`);

async function runAgent(text: string, viewer = ada): Promise<string> {
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
    'mutation ($text: String!) { startRun(input: { target: { agent: { name: "joiner" } }, text: $text }) { ... on StartRunPayload { run { id } } } }',
    { text },
    viewer,
  );
  return startRun.run.id;
}

describe("the audit of tool calls", () => {
  it("has one row a call: who, which tool and arguments, what it changes, what came of it and how long it took", async () => {
    const run = await runAgent("shop.saw shop.fail shop.unknown");
    await finished(app, run, ada);
    const rows = await auditOf(ada, run);
    const byTool = Object.fromEntries(rows.map((row) => [row["toolName"], row]));
    expect(rows).toHaveLength(3);
    expect(byTool["shop.saw"]).toMatchObject({
      sideEffects: "WRITE",
      argumentsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      owner: { id: globalId("Actor", "test/ada") },
      run: { id: run },
      targetType: "Agent",
      targetName: "joiner",
      status: "SUCCESS",
      attempts: 1,
      decision: null,
      decidedBy: null,
      durationMs: expect.any(Number),
    });
    expect(byTool["shop.fail"]).toMatchObject({ status: "ERROR", attempts: 1 });
    expect(byTool["shop.unknown"]).toMatchObject({ status: "ERROR", sideEffects: null, attempts: 0, startedAt: null, durationMs: null });
    expect(JSON.stringify(rows)).not.toContain("swordfish");
  });

  it("says by whose leave: what was decided, by whom and when", async () => {
    const decided = async (decision: Parameters<typeof decide>[2]): Promise<Audit | undefined> => {
      const run = await runAgent("shop.ask");
      await decide(app, await askedBy(app, run, ada), decision, ada);
      await finished(app, run, ada);
      return (await auditOf(ada, run))[0];
    };
    const leave = { decidedBy: { id: globalId("Actor", "test/ada") }, decidedAt: expect.any(String), sideEffects: "EXTERNAL" };
    const approved = await decided({ kind: "APPROVE" });
    expect(approved).toMatchObject({ ...leave, status: "SUCCESS", decision: "APPROVE", attempts: 1 });
    expect(await decided({ kind: "REJECT", reason: "swordfish" })).toMatchObject({
      ...leave,
      status: "DENIED",
      decision: "REJECT",
      attempts: 0,
    });
    const edited = await decided({ kind: "EDIT", arguments: { secret: "trout" } });
    expect(edited).toMatchObject({ ...leave, status: "SUCCESS", decision: "EDIT" });
    expect(edited?.["argumentsHash"]).not.toBe(approved?.["argumentsHash"]);
  });

  it("has the call of a person, and one that was cancelled at work or before a decision", async () => {
    const own = await called(app, "shop.saw", {}, bob);
    await finished(app, own, bob);
    expect(await auditOf(bob, own)).toMatchObject([
      { targetType: "Tool", targetName: "shop.saw", owner: { id: globalId("Actor", "test/bob") } },
    ]);
    const hanging = await called(app, "shop.hang", {}, bob);
    await expect.poll(async () => (await seen(app, hanging, bob)).steps.nodes).toHaveLength(1);
    const asking = await called(app, "shop.ask", {}, bob);
    await askedBy(app, asking, bob);
    for (const run of [hanging, asking]) {
      await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run }, bob);
      await finished(app, run, bob);
    }
    expect(await auditOf(bob, hanging)).toMatchObject([{ status: "CANCELLED", attempts: 1 }]);
    expect(await auditOf(bob, asking)).toMatchObject([{ status: "CANCELLED", attempts: 0, decision: null }]);
  });

  it("is read by those whom a call was for, and by auditors of the tenant", async () => {
    const run = await called(app, "shop.saw", {}, bob);
    await finished(app, run, bob);
    const [row] = await auditOf(bob, run);
    const id = row?.id ?? "";
    const found = async (viewer: Viewer): Promise<unknown> =>
      (await app.graphql("query ($id: ID!) { node(id: $id) { ... on ToolCallAudit { toolName } } }", { id }, viewer))["node"];
    expect(await found(bob)).toEqual({ toolName: "shop.saw" });
    expect(await found(auditor)).toEqual({ toolName: "shop.saw" });
    for (const stranger of [ada, admin, elsewhere, testViewer("olga", { roles: ["audit"] })]) expect(await found(stranger)).toBeNull();
    expect((await audits(auditor, "scope: TENANT, first: 50")).map((each) => each.id)).toContain(id);
    expect(await audits(elsewhere, "scope: TENANT")).toEqual([]);
    expect(await audits(auditor)).toEqual([]);
    expect(await audits(admin, "scope: TENANT")).toEqual([]);
    for (const refused of [bob, testViewer("olga", { roles: ["audit"] })])
      await expect(audits(refused, "scope: TENANT")).rejects.toThrow(/admins/);
  });

  it("lists the newest first, by tool, outcome and time, in pages", async () => {
    const carol = testViewer("carol");
    for (const name of ["shop.saw", "shop.fail", "shop.saw"]) await finished(app, await called(app, name, {}, carol), carol);
    const names = async (args: string): Promise<unknown[]> => (await audits(carol, args)).map((row) => row["toolName"]);
    expect(await names("first: 50")).toEqual(["shop.saw", "shop.fail", "shop.saw"]);
    expect(await names('filter: { tool: "shop.fail" }')).toEqual(["shop.fail"]);
    expect(await names("filter: { status: [ERROR, RUNNING] }")).toEqual(["shop.fail"]);
    expect(await names("first: 2")).toEqual(["shop.saw", "shop.fail"]);
    const middle = (await audits(carol, 'filter: { tool: "shop.fail" }'))[0]?.["finishedAt"] as string;
    expect(await names(`filter: { until: "${middle}" }`)).toEqual(["shop.saw"]);
    expect(await names(`filter: { since: "${middle}" }`)).toEqual(["shop.saw", "shop.fail"]);
    expect(await names('filter: { run: "nonsense" }')).toEqual([]);
  });

  it("outlives the thread that was deleted", async () => {
    const { createThread } = await app.graphql<{ createThread: { thread: { id: string } } }>(
      'mutation { createThread(input: { agent: { name: "joiner" } }) { ... on CreateThreadPayload { thread { id } } } }',
      {},
      ada,
    );
    const thread = createThread.thread.id;
    const { sendMessage } = await app.graphql<{ sendMessage: { run: { id: string } } }>(
      'mutation ($thread: ID!) { sendMessage(input: { thread: $thread, text: "shop.saw" }) { ... on SendMessagePayload { run { id } } } }',
      { thread },
      ada,
    );
    const run = sendMessage.run.id;
    await finished(app, run, ada);
    await app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread }, ada);
    expect(await seen(app, run, ada)).toBeNull();
    expect(await auditOf(ada, run)).toMatchObject([{ toolName: "shop.saw", status: "SUCCESS", run: null, targetName: "joiner" }]);
  });
});
