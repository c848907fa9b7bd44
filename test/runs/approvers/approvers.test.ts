import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Viewer } from "#weftline";
import { collect, type TestPlatform } from "../../../src/testing/index.ts";
import {
  actor,
  admin,
  alice,
  askedBy,
  asking,
  auditor,
  bob,
  boot,
  carl,
  chief,
  createAgent,
  decide,
  listed,
  startRun,
  statusOf,
  stranger,
  tess,
  tom,
} from "./world.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await boot();
  await createAgent(app, "payer");
});
afterAll(() => app.close());

const holds = async (viewer: Viewer, id: string, args = ""): Promise<boolean> =>
  (await listed(app, viewer, args)).some((each) => each.id === id);

describe("whom a tool's policy names", () => {
  it("find the question in their lists, decide it as themselves, and nobody else does", async () => {
    const asked = await asking(app, "payer");
    const shown = { message: 'Allow "bank.pay"?', arguments: { note: "for the loom" }, argumentsHash: asked.argumentsHash };
    for (const viewer of [alice, tess, tom, chief]) {
      const [mine] = (await listed(app, viewer)).filter(({ id }) => id === asked.id);
      expect([viewer.name, mine]).toEqual([viewer.name, expect.objectContaining({ ...shown, canDecide: true })]);
    }
    for (const viewer of [bob, carl, stranger, admin, auditor]) {
      expect([viewer.name, await holds(viewer, asked.id)]).toEqual([viewer.name, false]);
      expect([viewer.name, await decide(app, asked, viewer)]).toMatchObject([viewer.name, { code: "NOT_FOUND" }]);
    }
    expect(await decide(app, asked, tess)).toEqual({ __typename: "DecideInterruptPayload" });
    await expect.poll(() => statusOf(app, asked.run.id)).toBe("SUCCEEDED");
    const decided = { status: "RESOLVED", canDecide: false, decision: { kind: "APPROVE", by: { name: "tess" } } };
    for (const viewer of [alice, tess, tom]) {
      expect(await holds(viewer, asked.id)).toBe(false);
      const [after] = (await listed(app, viewer, "(status: null)")).filter(({ id }) => id === asked.id);
      expect([viewer.name, after]).toEqual([viewer.name, expect.objectContaining(decided)]);
    }
    expect(await decide(app, asked, tess)).toEqual({ __typename: "DecideInterruptPayload" });
    for (const viewer of [tom, alice]) expect(await decide(app, asked, viewer)).toMatchObject({ __typename: "ConflictError" });
    expect(await decide(app, asked, bob)).toMatchObject({ code: "NOT_FOUND" });
  });

  it("are those who hold the role when they look and decide", async () => {
    const asked = await asking(app, "payer");
    const demoted = { ...tess, roles: [] };
    const promoted = { ...bob, roles: ["treasurer"] };
    expect(await holds(demoted, asked.id)).toBe(false);
    expect(await decide(app, asked, demoted)).toMatchObject({ code: "NOT_FOUND" });
    expect(await holds(promoted, asked.id)).toBe(true);
    expect(await decide(app, asked, promoted, { kind: "REJECT" })).toEqual({ __typename: "DecideInterruptPayload" });
    expect(await holds(bob, asked.id, "(status: null)")).toBe(false);
  });

  it("leave the owner to decide where nobody holds the role", async () => {
    const asked = await asking(app, "payer", "bank.close");
    expect(await holds(tess, asked.id)).toBe(false);
    expect(await decide(app, asked, alice)).toEqual({ __typename: "DecideInterruptPayload" });
  });

  it("are replaced by the operator's setting", async () => {
    const asked = await asking(app, "payer", "bank.set");
    expect(await holds(tess, asked.id)).toBe(true);
    expect(await holds(carl, asked.id)).toBe(true);
    expect(await holds({ ...bob, roles: ["somebody"] }, asked.id)).toBe(false);
  });

  it("decide just once where they decide at the same time", async () => {
    const asked = await asking(app, "payer");
    const answers = await Promise.all([decide(app, asked, tess), decide(app, asked, tom, { kind: "REJECT" }), decide(app, asked, alice)]);
    expect(answers.map(({ __typename }) => __typename).toSorted()).toEqual(["ConflictError", "ConflictError", "DecideInterruptPayload"]);
  });
});

describe("of the run, who may only decide", () => {
  const everything = `id status targetName target { __typename name } targetVersion provenance parent { id } root { id } retryOf { id } blockedBy { id }
    children { totalCount nodes { id } } input output text metadata failure { code } usage { modelCalls totalTokens }
    steps { totalCount nodes { id } } events { seq } checkpoints { totalCount } progress { done } thread { id } startedAt finishedAt durationMs
    interrupts { nodes { id } }`;

  it("sees id, status and target, while it waits and after it ended", async () => {
    const asked = await asking(app, "payer");
    const run = asked.run.id;
    const query = `query ($run: ID!) { node(id: $run) { ... on Run { ${everything} } } run(id: $run) { id } }`;
    const seen = {
      id: run,
      targetName: "payer",
      target: { __typename: "Agent", name: "payer" },
      root: { id: run },
      children: { totalCount: 0, nodes: [] },
      steps: { totalCount: 0, nodes: [] },
      checkpoints: { totalCount: 0 },
      interrupts: { nodes: [{ id: asked.id }] },
      usage: { modelCalls: 0, totalTokens: 0 },
      metadata: {},
    };
    const hidden = Object.fromEntries(
      "targetVersion provenance parent retryOf blockedBy input output text failure events progress thread startedAt finishedAt durationMs"
        .split(" ")
        .map((name) => [name, null]),
    );
    expect(await app.graphql(query, { run }, tess)).toEqual({ node: { ...seen, ...hidden, status: "WAITING" }, run: { id: run } });
    await decide(app, asked, tess);
    await expect.poll(() => statusOf(app, run)).toBe("SUCCEEDED");
    expect(await app.graphql(query, { run }, tom)).toEqual({ node: { ...seen, ...hidden, status: "SUCCEEDED" }, run: { id: run } });
    expect(await app.graphql(query, { run }, bob)).toEqual({ node: null, run: null });
    expect(await app.graphql(query, { run }, { ...tess, roles: [] })).toEqual({ node: null, run: null });
    expect(await app.graphql(query, { run }, stranger)).toEqual({ node: null, run: null });
    expect(JSON.stringify(await app.graphql(query, { run }, tess))).not.toContain("SECRET");
    expect(JSON.stringify(await app.graphql(query, { run }, alice))).toContain("SECRET-ANSWER");
  });

  it("cannot follow, cancel, retry or list it", async () => {
    const asked = await asking(app, "payer");
    const run = asked.run.id;
    const follow = app.subscribe("subscription ($run: ID!) { runEvents(run: $run) { seq } }", { run }, tess);
    await expect(follow).rejects.toThrow("There is no such run");
    const code = "{ __typename ... on UserError { code } }";
    expect(await app.graphql(`mutation ($run: ID!) { cancelRun(run: $run) ${code} }`, { run }, tess)).toMatchObject({
      cancelRun: { code: "NOT_FOUND" },
    });
    expect(await app.graphql(`mutation ($run: ID!) { retryRun(input: { run: $run }) ${code} }`, { run }, tess)).toMatchObject({
      retryRun: { code: "NOT_FOUND" },
    });
    expect(await app.graphql("{ runs { nodes { id } } }", {}, tess)).toEqual({ runs: { nodes: [] } });
  });

  it("learns nothing of the thread that the question comes from", async () => {
    const made = await app.graphql<{ made: { thread: { id: string } } }>(
      'mutation { made: createThread(input: { title: "SECRET-TITLE", agent: { name: "payer" } }) { ... on CreateThreadPayload { thread { id } } } }',
      {},
      alice,
    );
    const thread = made.made.thread.id;
    const sent = await app.graphql<{ sent: { run: { id: string } } }>(
      'mutation ($thread: ID!) { sent: sendMessage(input: { thread: $thread, text: "bank.pay SECRET-SAID" }) { ... on SendMessagePayload { run { id } } } }',
      { thread },
      alice,
    );
    const asked = await askedBy(app, sent.sent.run.id);
    expect(await holds(tess, asked.id)).toBe(true);
    const query = `query ($thread: ID!, $run: ID!) { thread(id: $thread) { id } node(id: $thread) { id } run(id: $run) { thread { id } ${everything} } threads { nodes { id } } }`;
    const found = await app.graphql<object>(query, { thread, run: asked.run.id }, tess);
    expect(found).toMatchObject({ thread: null, node: null, run: { thread: null } });
    expect(JSON.stringify(found)).not.toMatch(/SECRET/);
    const inThread = `(thread: ${JSON.stringify(thread)})`;
    expect(await holds(alice, asked.id, inThread)).toBe(true);
    expect(await holds(tess, asked.id, inThread)).toBe(false);
    const follow = app.subscribe("subscription ($thread: ID!) { threadEvents(thread: $thread) { seq } }", { thread }, tess);
    await expect(follow).rejects.toThrow("There is no such thread");
    const gone = await app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread }, alice);
    expect(gone).toEqual({ deleteThread: { __typename: "DeleteThreadPayload" } });
    expect(await holds(tess, asked.id, "(status: null)")).toBe(false);
    expect(await app.platform.database.read.all("select * from runs_approver where run_id not in (select id from runs_run)")).toEqual([]);
  });
});

describe("admins", () => {
  it("see that it is asked, and what is asked only where a policy names them or with the role audit", async () => {
    const asked = await asking(app, "payer");
    const of = async (viewer: Viewer) => (await listed(app, viewer, "(scope: TENANT)")).find(({ id }) => id === asked.id);
    expect(await of(admin)).toMatchObject({ arguments: null, argumentsHash: null, canDecide: false });
    expect(await of(auditor)).toMatchObject({ arguments: { note: "for the loom" }, canDecide: false });
    expect(await of(chief)).toMatchObject({ arguments: { note: "for the loom" }, canDecide: true });
    expect(await holds(chief, asked.id, "(scope: TENANT, decidable: true)")).toBe(true);
    expect(await holds(chief, asked.id, "(scope: TENANT, decidable: false)")).toBe(false);
    expect(await holds(admin, asked.id, "(scope: TENANT, decidable: false)")).toBe(true);
    expect(await decide(app, asked, chief)).toEqual({ __typename: "DecideInterruptPayload" });
  });
});

describe("a question of a framework", () => {
  it("is answered by whom it names", async () => {
    const asked = await asking(app, "payer", "question");
    const [seen] = (await listed(app, carl)).filter(({ id }) => id === asked.id);
    expect(seen).toMatchObject({ message: "Which colour?", responseSchema: { type: "string" }, canDecide: true });
    expect(await holds(tess, asked.id)).toBe(false);
    expect(await decide(app, asked, carl, { kind: "ANSWER", payload: 7 })).toMatchObject({ code: "INVALID_INPUT" });
    expect(await decide(app, asked, carl, { kind: "ANSWER", payload: "red" })).toEqual({ __typename: "DecideInterruptPayload" });
    await expect.poll(() => statusOf(app, asked.run.id)).toBe("SUCCEEDED");
  });
});

describe("an agent's policies", () => {
  it("name more approvers than the tool does, closest policy first", async () => {
    const actors = [await actor(app, carl)];
    const policies = [
      { tool: "bank.*", approval: "ALWAYS" as const, approvers: { roles: ["far"] } },
      { tool: "bank.pay", approval: "ALWAYS" as const, approvers: { actors, roles: [" near "] } },
    ];
    expect(await createAgent(app, "careful", policies)).toEqual({ __typename: "CreateAgentPayload" });
    const asked = await asking(app, "careful");
    for (const viewer of [tess, carl, { ...bob, roles: ["near"] }]) expect(await holds(viewer, asked.id)).toBe(true);
    expect(await holds({ ...bob, roles: ["far"] }, asked.id)).toBe(false);
    const read = await asking(app, "careful", "bank.read");
    expect(await holds({ ...bob, roles: ["far"] }, read.id)).toBe(true);
    expect(await holds(tess, read.id)).toBe(false);
    const query = '{ agent(ref: { name: "careful" }) { toolPolicies { approvers { roles actors { name } } } } }';
    expect(await app.graphql(query, {}, alice)).toEqual({
      agent: {
        toolPolicies: [{ approvers: { roles: ["far"], actors: [] } }, { approvers: { roles: ["near"], actors: [{ name: "carl" }] } }],
      },
    });
  });

  it("are refused with the place of what is wrong", async () => {
    const elsewhere = await actor(app, stranger);
    const at = (...rest: string[]) => ["input", "toolPolicies", "0", "approvers", ...rest];
    const wrong: readonly (readonly [object, readonly string[]])[] = [
      [{ actors: ["nobody"] }, at("actors", "0")],
      [{ actors: [elsewhere] }, at("actors", "0")],
      [{ roles: ["ok", " "] }, at("roles", "1")],
      [{ roles: ["x".repeat(201)] }, at("roles", "0")],
      [{ roles: Array.from({ length: 65 }, String) }, at("roles")],
    ];
    for (const [approvers, path] of wrong) {
      const answer = await createAgent(app, "wrong", [{ tool: "bank.pay", approval: "ALWAYS", approvers }]);
      expect(answer).toMatchObject({ __typename: "InvalidInputError", path, issues: [{ path }] });
    }
    const never = await createAgent(app, "wrong", [{ tool: "bank.read", approval: "NEVER", approvers: { roles: ["x"] } }]);
    expect(never).toMatchObject({ __typename: "InvalidInputError", path: at() });
  });
});

describe("changes", () => {
  it("tell approvers of the interrupts that they may decide, and of nothing else", async () => {
    const hear = (viewer: Viewer) =>
      app.subscribe<{ changes: { kind: string; typeName: string; nodeId: string | null } }>(
        "subscription { changes { kind typeName nodeId } }",
        {},
        viewer,
      );
    const [tessHears, bobHears] = await Promise.all([hear(tess), hear(bob)]);
    await Promise.all([tessHears.next(), bobHears.next()]);
    const asked = await askedBy(app, await startRun(app, "payer", "bank.pay"));
    const until = (kind: string) => ({ until: ({ changes }: { changes: { kind: string } }) => changes.kind === kind });
    const created = await collect(keptOpen(tessHears), until("CREATED"));
    await decide(app, asked, tess);
    const updated = await collect(keptOpen(tessHears), until("UPDATED"));
    const own = [...created, ...updated].map(({ changes }) => changes);
    expect(own.map(({ typeName, nodeId }) => [typeName, nodeId])).toEqual(own.map(() => ["Interrupt", asked.id]));
    await app.graphql('mutation { createThread(input: { title: "mine" }) { __typename } }', {}, bob);
    const first = await bobHears.next();
    expect(first.value?.changes.typeName).toBe("Thread");
    await Promise.all([tessHears.return?.(), bobHears.return?.()]);
  });
});

/** A view of a stream that can be left without ending it. */
async function* keptOpen<T>(source: AsyncIterator<T>): AsyncGenerator<T, void> {
  for (;;) {
    const { done, value } = await source.next();
    if (done) return;
    yield value;
  }
}
