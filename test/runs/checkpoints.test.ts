import { describe, expect, it } from "vitest";
import { globalId, type Checkpoints, type NewCheckpoint, type RunContext } from "#weftline";
import { agents, auth, capabilities, chat, models, simulated } from "../../src/plugins/index.ts";
import { fakeRuntime, testPlatform } from "../../src/testing/index.ts";
import { bootRuns, say, type Turn } from "./fixtures.ts";

type Host = Awaited<ReturnType<typeof bootRuns>>;

/** A checkpoint of a list of words, one version a length. */
const at = (words: readonly string[], more: Partial<NewCheckpoint> = {}): NewCheckpoint => ({
  id: `at-${words.length}`,
  ...(words.length > 1 ? { parent: `at-${words.length - 1}` } : {}),
  format: "words/1",
  versions: { words: `v${words.length}`, count: `v${words.length}` },
  values: { words, count: words.length },
  data: { note: words.at(-1) },
  ...more,
});

/** A run whose adapter does with its context whatever the test wants, and then ends. */
async function withContext<T>(
  host: Host,
  cast: { turn: Turn },
  work: (ctx: RunContext) => Promise<T>,
): Promise<{ result: T; runId: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  cast.turn = async function* (_, ctx) {
    await work(ctx).then(resolve, reject);
    yield* say(["done"]);
  };
  const run = await host.start();
  const result = await promise;
  await host.until(run.id, "SUCCEEDED");
  return { result, runId: run.id };
}

async function boot() {
  const cast: { turn: Turn } = { turn: () => say(["nothing"]) };
  return { cast, host: await bootRuns(cast) };
}

const ids = async (checkpoints: Checkpoints, query?: Parameters<Checkpoints["list"]>[0]): Promise<string[]> =>
  (await Array.fromAsync(checkpoints.list(query))).map(({ id }) => id);

describe("a run's checkpoints", () => {
  it("are read as they were written: the newest, one by its id, and all in order, with what followed on them", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    await withContext(host, cast, async ({ checkpoints }) => {
      expect(await checkpoints.get({})).toBeUndefined();
      for (const words of [["a"], ["a", "b"], ["a", "b", "c"]]) await checkpoints.put(at(words));
      await checkpoints.putWrites({ checkpoint: "at-3" }, [
        { task: "t", index: 1, channel: "count", value: 4 },
        { task: "t", index: 0, channel: "words", value: ["d"] },
        { task: "t", index: -1, channel: "error", value: "first" },
      ]);
      await checkpoints.putWrites({ checkpoint: "at-3" }, [
        { task: "t", index: 0, channel: "words", value: ["other"] },
        { task: "t", index: -1, channel: "error", value: "second" },
      ]);
      expect(await checkpoints.get({})).toMatchObject({
        id: "at-3",
        parent: "at-2",
        format: "words/1",
        values: { words: ["a", "b", "c"], count: 3 },
        data: { note: "c" },
        writes: [
          { index: -1, channel: "error", value: "second" },
          { index: 0, channel: "words", value: ["d"] },
          { index: 1, channel: "count", value: 4 },
        ],
      });
      expect(await checkpoints.get({ id: "at-1" })).toMatchObject({ values: { words: ["a"], count: 1 }, writes: [] });
      expect(await ids(checkpoints)).toEqual(["at-3", "at-2", "at-1"]);
      expect(await ids(checkpoints, { before: "at-3" })).toEqual(["at-2", "at-1"]);
    });
  });

  it("of parts of it stand apart, and a branch does not change what it left", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    await withContext(host, cast, async ({ checkpoints }) => {
      for (const words of [["a"], ["a", "b"]]) await checkpoints.put(at(words));
      await checkpoints.put(at(["x"], { namespace: "part" }));
      const branch = { id: "branch", parent: "at-1", versions: { words: "w2", count: "v1" }, values: { words: ["A", "c"] } };
      await checkpoints.put(at(["a", "c"], branch));
      expect((await checkpoints.get({ id: "at-2" }))?.values).toEqual({ words: ["a", "b"], count: 2 });
      expect((await checkpoints.get({}))?.values).toEqual({ words: ["A", "c"], count: 1 });
      expect((await checkpoints.get({ namespace: "part" }))?.values).toEqual({ words: ["x"], count: 1 });
      expect(await ids(checkpoints, { namespace: "" })).toEqual(["branch", "at-2", "at-1"]);
    });
  });

  it("take as much room as the conversation, not as the sum of its lengths", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    await withContext(host, cast, async ({ checkpoints }) => {
      const words: string[] = [];
      for (let step = 0; step < 100; step++) {
        words.push(`${step} ${"x".repeat(1_000)}`);
        await checkpoints.put(at([...words]));
      }
      expect((await checkpoints.get({}))?.values.words).toEqual(words);
    });
    const size = await host.platform.database.read.get<{ bytes: number }>("select sum(length(value)) as bytes from runs_checkpoint_value");
    expect(size?.bytes).toBeLessThan(105 * 1_010);
  });

  it("stand on what was said before them, and name the step that they follow", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    const rows: string[] = [];
    cast.turn = async function* (_request, { checkpoints }) {
      yield { kind: "step.started", step: "cut", name: "cut", stepKind: "NODE" };
      yield { kind: "custom", name: "said" };
      yield { kind: "step.finished", step: "cut", status: "SUCCEEDED" };
      await checkpoints.put(at(["a"], { step: "cut" }));
      const logged = await host.platform.database.read.all<{ kind: string }>("select kind from runs_event order by seq");
      rows.push(...logged.map(({ kind }) => kind));
    };
    const run = await host.start();
    await host.until(run.id, "SUCCEEDED");
    expect(rows).toEqual(["run.queued", "run.started", "step.started", "custom", "step.finished"]);
    const { data } = await host.platform.execute({
      query: "query ($id: ID!) { run(id: $id) { checkpoints { nodes { step { name } state parent { id } } } } }",
      variables: { id: globalId("Run", run.id) },
      viewer: { tenantId: "acme", actorId: "alice", name: "Alice", roles: [] },
    });
    expect(data).toEqual({ run: { checkpoints: { nodes: [{ step: { name: "cut" }, state: { words: ["a"], count: 1 }, parent: null }] } } });
  });

  it("are written by the run's owner alone: one that lost the run changes nothing", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    const { promise: lost, resolve } = Promise.withResolvers<RunContext>();
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    cast.turn = async function* (_request, ctx) {
      await ctx.checkpoints.put(at(["a"]));
      resolve(ctx);
      await go;
      yield* say(["too late"]);
    };
    const run = await host.start();
    const stale = await lost;
    // As when the lease lapsed while this process hung, and another one claims the run on the same store.
    cast.turn = async function* (_request, { checkpoints }) {
      await checkpoints.put(at(["a", "b"]));
      yield* say(["taken over"]);
    };
    await host.platform.database.commit(({ sql }) =>
      sql.run("update runs_run set epoch = epoch + 1, lease_owner = 'other', lease_until = 0 where id = ?", run.id),
    );
    await expect(stale.checkpoints.put(at(["a", "stale"]))).rejects.toMatchObject({ code: "RUN_FENCED" });
    await expect(
      stale.checkpoints.putWrites({ checkpoint: "at-1" }, [{ task: "t", index: 0, channel: "words", value: [] }]),
    ).rejects.toMatchObject({ code: "RUN_FENCED" });
    release();
    await expect
      .poll(async () => {
        await host.engine.sweep();
        return (await host.find(run.id)).text;
      })
      .toBe("taken over");
    const stored = await host.platform.database.read.all("select name from runs_checkpoint order by num");
    expect(stored).toEqual([{ name: "at-1" }, { name: "at-2" }]);
    expect(await host.platform.database.read.all("select * from runs_checkpoint_write")).toEqual([]);
  });

  it("let a new run start from one of them, which stands without the old run", async () => {
    const { host, cast } = await boot();
    await using _ = host;
    const { runId } = await withContext(host, cast, async ({ checkpoints }) => {
      for (const words of [["a"], ["a", "b"], ["a", "b", "c"]]) await checkpoints.put(at(words));
      await checkpoints.put(at(["x"], { id: "inner", namespace: "part" }));
    });
    const started = Promise.withResolvers<unknown>();
    cast.turn = async function* (_request, { checkpoints }) {
      await checkpoints.put(at(["a", "b", "C"], { id: "anew", parent: "at-2", versions: { words: "w3", count: "w3" } }));
      started.resolve({ first: await checkpoints.get({ id: "at-2" }), newest: await checkpoints.get({}), all: await ids(checkpoints) });
      yield* say(["forked"]);
    };
    const viewer = { tenantId: "acme", actorId: "alice", name: "Alice", roles: [] };
    const retry = async (checkpoint: string, who = viewer) => {
      const { data } = await host.platform.execute({
        query: `mutation ($input: RetryRunInput!) { retryRun(input: $input) { __typename
          ... on RetryRunPayload { run { id retryOf { id } } } ... on NotFoundError { path } ... on InvalidInputError { path } } }`,
        variables: { input: { run: globalId("Run", runId), checkpoint } },
        viewer: who,
      });
      return data?.["retryRun"];
    };
    expect(await retry(globalId("Checkpoint", `${runId}.k4`))).toMatchObject({
      __typename: "NotFoundError",
      path: ["input", "checkpoint"],
    });
    expect(await retry(globalId("Checkpoint", "other.k1"))).toMatchObject({ __typename: "NotFoundError" });
    expect(await retry(globalId("Run", runId))).toMatchObject({ __typename: "InvalidInputError", path: ["input", "checkpoint"] });
    expect(await retry(globalId("Checkpoint", `${runId}.k2`))).toMatchObject({ run: { retryOf: { id: globalId("Run", runId) } } });
    expect(await started.promise).toMatchObject({
      first: { values: { words: ["a", "b"], count: 2 }, data: { note: "b" } },
      newest: { id: "anew", parent: "at-2", values: { words: ["a", "b", "C"] } },
      all: ["anew", "at-2"],
    });
  });
});

describe("a thread that is deleted", () => {
  it("takes the checkpoints of its runs along", async () => {
    const turn: Turn = async function* (_, { checkpoints }) {
      await checkpoints.put(at(["a"]));
      await checkpoints.putWrites({ checkpoint: "at-1" }, [{ task: "t", index: 0, channel: "words", value: [] }]);
      yield* say(["kept"]);
    };
    await using app = await testPlatform({
      plugins: [auth(), models(), simulated(), capabilities(), agents(), chat(), fakeRuntime({ turn })],
    });
    await app.graphql('mutation { createAgent(input: { name: "weaver", framework: "fake" }) { __typename } }');
    const made = await app.graphql<{ createThread: { thread: { id: string } } }>(
      'mutation { createThread(input: { agent: { name: "weaver" } }) { ... on CreateThreadPayload { thread { id } } } }',
    );
    const { id: thread } = made.createThread.thread;
    await app.graphql("mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }", {
      input: { thread, text: "Go." },
    });
    await expect.poll(() => app.graphql("{ runs { nodes { status } } }")).toEqual({ runs: { nodes: [{ status: "SUCCEEDED" }] } });
    const rows = () =>
      app.platform.database.read.get(`select (select count(*) from runs_checkpoint) + (select count(*) from runs_checkpoint_value)
        + (select count(*) from runs_checkpoint_write) as n`);
    expect(await rows()).toEqual({ n: 4 });
    await app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread });
    expect(await rows()).toEqual({ n: 0 });
  });
});
