import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import { admin, alice, bob, bootRows, eve, type Rows } from "./fixtures.ts";

interface RunPage {
  runs: {
    nodes: { id: string }[];
    edges: { cursor: string }[];
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
    totalCount?: number;
  };
}

const fields = "nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

describe("the list of runs", () => {
  let rows: Rows;
  const ids: string[] = [];

  beforeAll(async () => {
    rows = await bootRows();
    for (let index = 0; index < 101; index++) ids.push(await rows.run(`run-${index}`, { createdAt: 1_000_000 + Math.floor(index / 3) }));
    await rows.run("bobs", { ownerId: bob.actorId });
    await rows.run("eves", { tenantId: eve.tenantId });
  });
  afterAll(() => rows.app.close());

  /** As the list must be: newest first, those of one moment by id. */
  const expected = (): string[] =>
    ids
      .map((id, index) => ({ id, at: Math.floor(index / 3), key: `run-${index}` }))
      .toSorted((a, b) => b.at - a.at || (a.key < b.key ? 1 : -1))
      .map(({ id }) => id);

  it("is walked forward and back over 101 runs without a gap or a repeat", async () => {
    const forward: string[] = [];
    for (let after: string | null = null; ;) {
      const { runs }: RunPage = await rows.app.graphql(
        `query ($after: String) { runs(first: 10, after: $after) { ${fields} } }`,
        { after },
        alice,
      );
      expect(runs.pageInfo.hasPreviousPage).toBe(after !== null);
      forward.push(...runs.nodes.map(({ id }) => id));
      if (!runs.pageInfo.hasNextPage) break;
      after = runs.pageInfo.endCursor;
    }
    expect(forward).toEqual(expected());

    const back: string[] = [];
    for (let before: string | null = null; ;) {
      const { runs }: RunPage = await rows.app.graphql(
        `query ($before: String) { runs(last: 7, before: $before) { ${fields} } }`,
        { before },
        alice,
      );
      expect(runs.pageInfo.hasNextPage).toBe(before !== null);
      back.unshift(...runs.nodes.map(({ id }) => id));
      if (!runs.pageInfo.hasPreviousPage) break;
      before = runs.pageInfo.startCursor;
    }
    expect(back).toEqual(expected());
  });

  it("holds 20 by default, 100 at most, and counts them all", async () => {
    const { runs } = await rows.app.graphql<RunPage>("{ runs { nodes { id } totalCount } }", {}, alice);
    expect(runs.nodes).toHaveLength(20);
    expect(runs.totalCount).toBe(101);
    await expect(rows.app.graphql("{ runs(first: 101) { nodes { id } } }", {}, alice)).rejects.toThrow(/0 to 100/);
  });

  it("shows each viewer their own, and the tenant's to admins who ask for them", async () => {
    const list = async (scope: string, viewer: typeof alice) =>
      (await rows.app.graphql<RunPage>(`{ runs(scope: ${scope}, first: 100) { nodes { id } totalCount } }`, {}, viewer)).runs;
    expect((await list("MINE", bob)).nodes).toEqual([{ id: globalId("Run", "bobs") }]);
    expect((await list("MINE", eve)).nodes).toEqual([{ id: globalId("Run", "eves") }]);
    expect((await list("MINE", admin)).nodes).toEqual([]);
    expect((await list("TENANT", admin)).totalCount).toBe(102);
    await expect(list("TENANT", alice)).rejects.toThrow(/admins/i);
  });

  it("refuses a cursor of another list", async () => {
    await expect(rows.app.graphql('{ runs(after: "bm90IGEgY3Vyc29y") { nodes { id } } }', {}, alice)).rejects.toThrow(/cursor/);
  });
});

describe("the filter of runs", () => {
  let rows: Rows;
  const since = "2023-11-14T22:13:20Z";

  beforeAll(async () => {
    rows = await bootRows();
    await rows.run("agent-1", { targetType: "Agent", targetId: "a1", status: "RUNNING", createdAt: 1 });
    await rows.run("agent-2", { targetType: "Agent", targetId: "a2", status: "FAILED", trigger: "CHAT", threadId: "t1", createdAt: 2 });
    await rows.run("flow", { targetType: "Workflow", targetId: "a1", provenance: "SIMULATED", createdAt: 3 });
    await rows.run("child", { parentId: "flow", rootId: "flow", trigger: "PARENT", createdAt: Date.parse(since) });
  });
  afterAll(() => rows.app.close());

  it.each<[string, object, string[]]>([
    ["nothing", {}, ["child", "flow", "agent-2", "agent-1"]],
    ["states", { status: ["RUNNING", "FAILED"] }, ["agent-2", "agent-1"]],
    ["no state at all", { status: [] }, []],
    ["an agent", { agent: globalId("Agent", "a1") }, ["agent-1"]],
    ["an agent without runs", { agent: globalId("Agent", "nobody") }, []],
    ["a workflow with the number of an agent", { workflow: globalId("Workflow", "a1") }, ["flow"]],
    ["an agent and a workflow at once", { agent: globalId("Agent", "a1"), workflow: globalId("Workflow", "a1") }, []],
    ["a thread", { thread: globalId("Thread", "t1") }, ["agent-2"]],
    ["a malformed agent", { agent: "a1" }, []],
    ["an agent's id where a thread's belongs", { thread: globalId("Agent", "a1") }, []],
    ["a malformed workflow", { workflow: "%%%" }, []],
    ["a provenance", { provenance: "SIMULATED" }, ["flow"]],
    ["triggers", { trigger: ["CHAT", "PARENT"] }, ["child", "agent-2"]],
    ["roots only", { rootOnly: true }, ["flow", "agent-2", "agent-1"]],
    ["a moment", { since }, ["child"]],
    ["a moment at the end", { until: since }, ["flow", "agent-2", "agent-1"]],
    ["no time at all", { since, until: since }, []],
    ["a target of any type", { target: globalId("Workflow", "a1") }, ["flow"]],
    ["a target of the plugin's", { target: globalId("LoomPattern", "herringbone") }, ["child"]],
    ["what is no target", { target: globalId("Thread", "t1") }, []],
    ["a malformed target", { target: "a1" }, []],
    ["their owner", { owner: globalId("Actor", "test/alice") }, ["child", "flow", "agent-2", "agent-1"]],
    ["another owner", { owner: globalId("Actor", "test/bob") }, []],
    ["a malformed owner", { owner: "alice" }, []],
    [
      "fields of null",
      { status: null, agent: null, thread: null, trigger: null, since: null, provenance: null },
      ["child", "flow", "agent-2", "agent-1"],
    ],
  ])("of %s finds exactly those", async (_, filter, names) => {
    const { runs } = await rows.app.graphql<RunPage>(
      "query ($filter: RunFilter) { runs(filter: $filter) { nodes { id } totalCount } }",
      { filter },
      alice,
    );
    expect(runs.nodes.map(({ id }) => id)).toEqual(names.map((name) => globalId("Run", name)));
    expect(runs.totalCount).toBe(names.length);
  });
});

describe("the list of interrupts", () => {
  let rows: Rows;
  beforeAll(async () => {
    rows = await bootRows();
    await rows.run("r", { status: "WAITING" });
    for (let index = 0; index < 3; index++) await rows.interrupt(`open-${index}`, "r");
    await rows.interrupt("done", "r", { status: "RESOLVED", decision: { kind: "APPROVE", by: alice.actorId, at: 5_000 } });
  });
  afterAll(() => rows.app.close());

  it("shows what waits for the viewer, newest first, and others on demand", async () => {
    const list = async (args: string, viewer = alice) => {
      const { interrupts } = await rows.app.graphql<{ interrupts: { nodes: { id: string }[] } }>(
        `{ interrupts${args} { nodes { id } } }`,
        {},
        viewer,
      );
      return interrupts.nodes.map(({ id }) => id);
    };
    const open = ["open-2", "open-1", "open-0"].map((id) => globalId("Interrupt", id));
    expect(await list("")).toEqual(open);
    expect(await list("(status: [RESOLVED])")).toEqual([globalId("Interrupt", "done")]);
    expect(await list("(status: null)")).toEqual([globalId("Interrupt", "done"), ...open]);
    expect(await list("(first: 1)")).toEqual(open.slice(0, 1));
    expect(await list("", bob)).toEqual([]);
    expect(await list("", admin)).toEqual([]);
    expect(await list("(scope: TENANT)", admin)).toEqual(open);
    await expect(list("(scope: TENANT)")).rejects.toThrow(/admins/i);
  });

  it("filters by kind, run, thread, and whether the viewer can decide", async () => {
    const streamNum = await rows.app.platform.database.commit(async ({ sql }) => {
      const stream = `insert into runs_stream (id, tenant_id, owner_id, kind, head, horizon, deleted) values ('t9', ?, ?, 'THREAD', 1, 0, 0) returning num`;
      return (await sql.get<{ num: number }>(stream, alice.tenantId, alice.actorId))?.num ?? 0;
    });
    await rows.run("talk", { status: "WAITING", streamNum, threadId: "t9" });
    await rows.interrupt("review", "talk", { kind: "REVIEW", streamNum });
    const list = async (args: object, viewer = alice) => {
      const query = `query ($scope: ListScope, $kind: [InterruptKind!], $run: ID, $thread: ID, $decidable: Boolean, $status: [InterruptStatus!] = null) {
        interrupts(scope: $scope, kind: $kind, run: $run, thread: $thread, decidable: $decidable, status: $status) { nodes { id canDecide } totalCount } }`;
      const { interrupts } = await rows.app.graphql<{ interrupts: { nodes: { id: string; canDecide: boolean }[]; totalCount: number } }>(
        query,
        args as Record<string, unknown>,
        viewer,
      );
      expect(interrupts.totalCount).toBe(interrupts.nodes.length);
      return interrupts.nodes.map(({ id }) => Buffer.from(id, "base64url").toString().replace("Interrupt:", ""));
    };
    expect(await list({ kind: ["REVIEW"] })).toEqual(["review"]);
    expect(await list({ kind: [] })).toEqual([]);
    expect(await list({ run: globalId("Run", "talk") })).toEqual(["review"]);
    expect(await list({ thread: globalId("Thread", "t9") })).toEqual(["review"]);
    for (const nothing of [{ run: "talk" }, { run: globalId("Thread", "t9") }, { thread: globalId("Run", "talk") }, { thread: "%" }])
      expect(await list(nothing)).toEqual([]);
    expect(await list({ decidable: true })).toEqual(["review", "open-2", "open-1", "open-0"]);
    expect(await list({ decidable: false })).toEqual(["done"]);
    expect(await list({ decidable: true, scope: "TENANT" }, admin)).toEqual([]);
    expect(await list({ decidable: false, scope: "TENANT" }, admin)).toEqual(["review", "done", "open-2", "open-1", "open-0"]);
    expect(await list({ thread: globalId("Thread", "t9") }, bob)).toEqual([]);
  });
});
