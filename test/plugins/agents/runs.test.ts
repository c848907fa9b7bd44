import { afterEach, expect, test } from "vitest";
import { WeftlineError, contribution, definePlugin, skills, type RunEventBody, type RunRequest } from "#weftline";
import { ada, agentsPlatform, bob, made, mutations, root, script } from "./fixture.ts";
import { finished, start, started, until } from "./runs.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>> | undefined;
afterEach(() => app?.close());

test("a run executes the version that it was started with, and its target is the agent", async () => {
  const seen: RunRequest[] = [];
  const released = Promise.withResolvers<void>();
  app = await agentsPlatform(
    script({
      async *turn(request): AsyncGenerator<RunEventBody> {
        await released.promise;
        seen.push(request);
        yield { kind: "message.started", message: "m" };
        yield { kind: "message.finished", message: "m", status: "COMPLETE" };
      },
    }),
  );
  const graph = mutations(app);
  const agent = made(await graph.create({ name: "A", framework: "paper", instructions: "One.", options: { style: { loud: true } } }));
  const run = await started(app, { id: agent.id });
  expect(run).toMatchObject({ targetName: "A", targetVersion: 1, target: { __typename: "Agent", id: agent.id, name: "A" } });
  made(await graph.update({ agent: { id: agent.id }, name: "B", instructions: "Two." }));
  released.resolve();
  await until(app, run.id, finished);
  expect(seen).toEqual([
    expect.objectContaining({
      agent: expect.objectContaining({ name: "A", version: 1 }),
      instructions: "One.",
      options: { temperature: 1, style: { loud: true } },
    }),
  ]);
  await until(app, (await started(app, { name: "B" })).id, finished);
  expect(seen[1]).toMatchObject({ agent: { name: "B", version: 2 }, instructions: "Two." });
});

test("the instructions of an agent's skills follow its own", async () => {
  let instructions: string | undefined;
  const brief = { name: "brief", description: "Writes briefs.", instructions: "Write one page.", tools: ["time.now"] };
  app = await agentsPlatform(
    script({
      async *turn(request): AsyncGenerator<RunEventBody> {
        instructions = request.instructions;
        yield { kind: "message.started", message: "m" };
        yield { kind: "message.finished", message: "m", status: "COMPLETE" };
      },
    }),
    definePlugin({ id: "office", contributes: [contribution(skills, "brief", brief)] })(),
  );
  const graph = mutations(app);
  const agent = made(await graph.create({ name: "A", framework: "paper", instructions: "Be kind.", capabilities: ["brief", "time.now"] }));
  expect(agent.capabilities).toEqual([
    { name: "brief", kind: "SKILL" },
    { name: "time.now", kind: "TOOL" },
  ]);
  await until(app, (await started(app, { name: "A" })).id, finished);
  expect(instructions).toBe("Be kind.\n\nWrite one page.");
});

test("a run of an agent that is not there is refused", async () => {
  app = await agentsPlatform();
  const path = ["input", "target", "agent"];
  expect(await start(app, { name: "Nobody" })).toMatchObject({ __typename: "NotFoundError", path });
  expect(await start(app, { id: "nonsense" })).toMatchObject({ code: "INVALID_ID", path: [...path, "id"] });
});

test("options that the framework takes no longer fail the run with their names", async () => {
  app = await agentsPlatform();
  made(await mutations(app).create({ name: "A", framework: "paper", options: { temperature: 0.5 } }));
  await app.platform.database.commit(({ sql }) => sql.run("update agents_version set definition = replace(definition, '0.5', '9')"));
  const { failure } = await until(app, (await started(app, { name: "A" })).id, finished);
  expect(failure?.code).toBe("INVALID_INPUT");
});

test("a message names the agent that wrote it", async () => {
  app = await agentsPlatform();
  const { id } = made(await mutations(app).create({ name: "A", framework: "paper" }));
  const events = await app.subscribe<{ runEvents: { message?: { agent: { id: string } | null; role: string } } }>(
    `subscription ($run: ID!) { runEvents(run: $run, after: 0) { ... on MessageFinishedEvent { message { role agent { id } } } } }`,
    { run: (await started(app, { name: "A" })).id },
    ada,
  );
  const messages = [];
  for await (const { runEvents } of events) if (runEvents.message) messages.push(runEvents.message);
  expect(messages).toEqual([{ role: "ASSISTANT", agent: { id } }]);
});

test("an agent lists the viewer's own runs of it, filtered and paged", async () => {
  app = await agentsPlatform();
  const graph = mutations(app);
  made(await graph.create({ name: "A", framework: "paper" }));
  made(await graph.create({ name: "Other", framework: "paper" }));
  const mine: string[] = [];
  for (let i = 0; i < 3; i++) mine.unshift((await started(app, { name: "A" })).id);
  for (const id of mine) await until(app, id, finished);
  await started(app, { name: "Other" });
  await started(app, { name: "A" }, bob);
  const list = async (args: string) =>
    (
      await app?.graphql<{ agent: { runs: { nodes: { id: string }[]; totalCount: number; pageInfo: { endCursor: string } } } }>(
        `{ agent(ref: { name: "A" }) { runs${args} { nodes { id } totalCount pageInfo { endCursor } } } }`,
        {},
        ada,
      )
    )?.agent.runs;
  expect((await list(""))?.nodes.map(({ id }) => id)).toEqual(mine);
  const first = await list("(first: 2)");
  expect(first?.nodes.map(({ id }) => id)).toEqual(mine.slice(0, 2));
  expect((await list(`(first: 2, after: "${first?.pageInfo.endCursor}")`))?.nodes.map(({ id }) => id)).toEqual(mine.slice(2));
  expect((await list("(filter: { status: [SUCCEEDED] })"))?.totalCount).toBe(3);
  expect((await list("(filter: { status: [FAILED] })"))?.totalCount).toBe(0);
});

interface MetricsData {
  runs: number;
  succeeded: number;
  failed: number;
  p50Ms: number | null;
  p95Ms: number | null;
  usage: { inputTokens: number; outputTokens: number; totalTokens: number; modelCalls: number; cost: unknown };
}

test("metrics count the finished runs that the viewer may see, their durations and their tokens", async () => {
  let turns = 0;
  app = await agentsPlatform(
    script({
      async *turn(): AsyncGenerator<RunEventBody> {
        if (++turns === 2) throw new WeftlineError("PROVIDER_REJECTED", { provider: "paper", status: 400, problem: "no" });
        yield { kind: "message.started", message: "m" };
        yield { kind: "usage.recorded", provider: "paper", model: "a4", inputTokens: 10, outputTokens: 5 };
        yield { kind: "message.finished", message: "m", status: "COMPLETE" };
      },
    }),
  );
  made(await mutations(app).create({ name: "A", framework: "paper" }));
  const metrics = async (viewer = ada, last = ""): Promise<MetricsData | undefined> =>
    (
      await app?.graphql<{ agent: { metrics: MetricsData } }>(
        `{ agent(ref: { name: "A" }) { metrics${last} {
          runs succeeded failed p50Ms p95Ms usage { inputTokens outputTokens totalTokens modelCalls cost { amount } } } } }`,
        {},
        viewer,
      )
    )?.agent.metrics;
  expect(await metrics()).toEqual({
    runs: 0,
    succeeded: 0,
    failed: 0,
    p50Ms: null,
    p95Ms: null,
    usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0, modelCalls: 0, cost: null },
  });

  for (let i = 0; i < 4; i++) await until(app, (await started(app, { name: "A" })).id, finished);
  await until(app, (await started(app, { name: "A" }, bob)).id, finished, bob);
  await app.platform.database.commit(async ({ sql }) => {
    const runs = await sql.all<{ id: string }>("select id from runs_run where owner_id = 'ada' order by created_at, id");
    for (const [index, { id }] of runs.entries())
      await sql.run("update runs_run set finished_at = started_at + ? where id = ?", (index + 1) * 100, id);
  });

  const usage = { inputTokens: 30, outputTokens: 15, totalTokens: 45, modelCalls: 3, cost: null };
  expect(await metrics()).toEqual({ runs: 4, succeeded: 3, failed: 1, p50Ms: 200, p95Ms: 400, usage });
  expect(await metrics(bob)).toMatchObject({ runs: 1, succeeded: 1, failed: 0, usage: { totalTokens: 15 } });
  expect(await metrics(root)).toMatchObject({ runs: 5, succeeded: 4, failed: 1, usage: { totalTokens: 60 } });

  await app.platform.database.commit(({ sql }) =>
    sql.run("update runs_run set finished_at = finished_at - 7200000, started_at = started_at - 7200000 where status = 'FAILED'"),
  );
  expect(await metrics(ada, `(last: "PT1H")`)).toMatchObject({ runs: 3, failed: 0, p50Ms: 300 });
  expect(await metrics(ada, `(last: null)`)).toMatchObject({ runs: 4 });
});

test("simulated answers cost nothing", async () => {
  app = await agentsPlatform();
  made(await mutations(app).create({ name: "A", framework: "paper", model: "simulated/default" }));
  await until(app, (await started(app, { name: "A" })).id, finished);
  expect(
    await app.graphql(`{ agent(ref: { name: "A" }) { metrics { runs usage { modelCalls cost { amount priceSource } } } } }`, {}, ada),
  ).toEqual({
    agent: { metrics: { runs: 1, usage: { modelCalls: 1, cost: { amount: "0", priceSource: "simulated" } } } },
  });
});
