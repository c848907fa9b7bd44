import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId, jobService, localId } from "../../../src/core/index.ts";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { retry } from "../../plugins/capabilities/play.ts";
import { ada, bob, bootMill, carla, end, eve, gate, look, startJob, started, until, type Mill } from "./world.ts";

const done: Mill = {
  grind: async ({ input, progress, save }) => {
    for (let ground = 0; ground < input.sacks; ground++) {
      progress(ground, input.sacks);
      await save({ ground: ground + 1 });
    }
    progress(input.sacks, input.sacks);
    return input;
  },
  once: async () => "done",
};
const mill: Mill = { ...done };

let app: TestPlatform;
beforeAll(async () => {
  app = await bootMill(mill);
});
afterAll(() => app.close());

describe("jobs", () => {
  it("are listed to members with what they are started with", async () => {
    const { jobs } = await app.graphql<{ jobs: { name: string; inputSchema: object | null }[] }>(
      "{ jobs { id name description plugin inputSchema } }",
      {},
      bob,
    );
    expect(jobs.map(({ name }) => name)).toEqual(["mill.grind", "mill.once", "mill.queued", "mill.single"]);
    expect(jobs[0]).toMatchObject({
      id: globalId("Job", "mill.grind"),
      description: "Grinds sacks of corn.",
      plugin: "mill",
      inputSchema: { type: "object", required: ["sacks"], properties: { sacks: { type: "integer", minimum: 1, maximum: 1000 } } },
    });
    expect(jobs[1]).toMatchObject({ inputSchema: null });
    const { node } = await app.graphql(
      "query ($id: ID!) { node(id: $id) { ... on Job { name } } }",
      { id: globalId("Job", "mill.once") },
      bob,
    );
    expect(node).toEqual({ name: "mill.once" });
  });

  it("run as runs of whoever started them, with progress and an output, and are found by the job", async () => {
    const id = await started(app, "mill.grind", { sacks: 3 });
    expect(await end(app, id)).toEqual({
      status: "SUCCEEDED",
      output: { sacks: 3, fine: false },
      trigger: "API",
      targetName: "mill.grind",
      target: { __typename: "Job", name: "mill.grind" },
      owner: { name: "ada", kind: "USER" },
      progress: { done: 3, total: 3 },
      failure: null,
    });
    const { runs } = await app.graphql<{ runs: { nodes: { id: string }[] } }>(
      "query ($job: ID!) { runs(filter: { target: $job }) { nodes { id } } }",
      { job: globalId("Job", "mill.grind") },
      ada,
    );
    expect(runs.nodes).toEqual([{ id }]);
  });

  it("are started by admins alone, and seen by nobody else", async () => {
    for (const job of ["mill.grind", "mill.nothing"])
      expect(await startJob(app, { job, input: { sacks: 1 } }, bob)).toMatchObject({ __typename: "ForbiddenError", code: "FORBIDDEN" });
    const id = await started(app, "mill.once");
    await end(app, id);
    expect(await look(app, id, bob)).toBeNull();
    expect(await look(app, id, eve)).toBeNull();
    expect(await look(app, id, carla)).toMatchObject({ status: "SUCCEEDED", output: null });
  });

  it("are refused with every problem of the input, and nothing runs", async () => {
    const before = await app.graphql("{ runs(scope: TENANT) { totalCount } }", {}, ada);
    expect(await startJob(app, { job: "mill.nothing" })).toMatchObject({ code: "NOT_FOUND", path: ["input", "job"] });
    expect(await startJob(app, { job: "mill.grind", input: { sacks: 0, fine: "yes" } })).toMatchObject({
      __typename: "InvalidInputError",
      issues: [
        { path: ["input", "input", "sacks"], message: expect.any(String) },
        { path: ["input", "input", "fine"], message: expect.any(String) },
      ],
    });
    expect(await startJob(app, { job: "mill.grind" })).toMatchObject({ issues: [{ path: ["input", "input", "sacks"] }] });
    expect(await startJob(app, { job: "mill.grind", input: [1] })).toMatchObject({ code: "INVALID_INPUT" });
    expect(await startJob(app, { job: "mill.once", input: { sacks: 1 } })).toMatchObject({ issues: [{ path: ["input", "input"] }] });
    expect(await startJob(app, { job: "mill.once", input: "x".repeat(300_000) })).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("256 KiB"),
    });
    expect(await app.graphql("{ runs(scope: TENANT) { totalCount } }", {}, ada)).toEqual(before);
  });

  it("are started once a key", async () => {
    const first = await startJob(app, { job: "mill.grind", input: { sacks: 1 }, idempotencyKey: "one" });
    const again = await startJob(app, { job: "mill.grind", input: { sacks: 1 }, idempotencyKey: "one" });
    expect(again.run?.id).toBe(first.run?.id);
    expect(await startJob(app, { job: "mill.grind", input: { sacks: 2 }, idempotencyKey: "one" })).toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
  });

  it("are repeated by who may start them, and fail with what they throw", async () => {
    mill.once = async () => Promise.reject(new Error("no corn"));
    const id = await started(app, "mill.once");
    expect(await end(app, id)).toMatchObject({ status: "FAILED", failure: { code: "INTERNAL" } });
    mill.once = done.once;
    const again = await app.graphql<{ retryRun: { run: { id: string } } }>(
      "mutation ($run: ID!) { retryRun(input: { run: $run }) { ... on RetryRunPayload { run { id } } } }",
      { run: id },
      ada,
    );
    expect(await end(app, again.retryRun.run.id)).toMatchObject({ status: "SUCCEEDED", trigger: "RETRY", output: "done" });
    const { retryRun } = await app.graphql<{ retryRun: object }>(
      "mutation ($run: ID!) { retryRun(input: { run: $run }) { ... on UserError { code } } }",
      { run: id },
      { ...ada, roles: [] },
    );
    expect(retryRun).toEqual({ code: "FORBIDDEN" });
    expect(await retry(app, id)).toMatchObject({ code: "NOT_FOUND" });
  });

  it("are cancelled, also by another admin, and stop at once", async () => {
    const begun = gate();
    let stopped = false;
    mill.once = ({ signal }) => {
      begun.open();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          stopped = true;
          reject(signal.reason as Error);
        }),
      );
    };
    const id = await started(app, "mill.once");
    await begun.passed;
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: id }, carla);
    expect(await end(app, id)).toMatchObject({ status: "CANCELLED" });
    expect(stopped).toBe(true);
    mill.once = done.once;
  });

  it("say no more than what is small as their state, and nothing after their end", async () => {
    let saved: Promise<void> | undefined;
    mill.grind = async ({ save }) => save({ ground: "x".repeat(70_000) as unknown as number });
    expect(await end(app, await started(app, "mill.grind", { sacks: 1 }))).toMatchObject({
      failure: { code: "JOB_STATE_INVALID" },
    });
    const over = gate();
    mill.grind = async ({ save }) => {
      saved = over.passed.then(() => save({ ground: 7 }));
      saved.catch(() => undefined);
    };
    const id = await started(app, "mill.grind", { sacks: 1 });
    expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED" });
    over.open();
    await expect(saved).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
    expect(await app.platform.database.read.all("select state from runs_job_state where run_id = ?", localId("Run", id))).toEqual([]);
    mill.grind = done.grind;
  });
});

describe("a job of the platform itself", () => {
  it("belongs to the platform, with the trigger PLATFORM; admins see that it is there", async () => {
    const run = await app.platform.use(jobService).startAsPlatform("test", { job: "mill.grind", input: { sacks: 2 } });
    const id = globalId("Run", run.id);
    expect(await end(app, id)).toMatchObject({
      status: "SUCCEEDED",
      trigger: "PLATFORM",
      owner: { name: "Weftline", kind: "SYSTEM" },
      progress: { done: 2, total: 2 },
    });
    expect(await look(app, id, bob)).toBeNull();
    expect(await look(app, id, eve)).toBeNull();
    const { runs } = await app.graphql<{ runs: { nodes: object[] } }>(
      "{ runs(scope: TENANT, filter: { trigger: [PLATFORM] }) { nodes { id } } }",
      {},
      ada,
    );
    expect(runs.nodes).toEqual([{ id }]);
    const jobs = app.platform.use(jobService);
    await expect(jobs.startAsPlatform("test", { job: "mill.grind", input: { sacks: -1 } })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    await expect(jobs.startAsPlatform("test", { job: "mill.nothing" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a job of which one run at a time is open in a tenant", () => {
  it("refuses another with BUSY, whoever asks, also by a retry, and none in another tenant", async () => {
    const first = await started(app, "mill.single");
    await end(app, first);
    const go = gate();
    mill.once = () => go.passed;
    const second = await started(app, "mill.single");
    for (const viewer of [ada, carla])
      expect(await startJob(app, { job: "mill.single" }, viewer)).toMatchObject({ __typename: "ConflictError", code: "BUSY" });
    await expect(app.platform.use(jobService).startAsPlatform("test", { job: "mill.single" })).rejects.toMatchObject({ code: "BUSY" });
    const { retryRun } = await app.graphql<{ retryRun: object }>(
      "mutation ($run: ID!) { retryRun(input: { run: $run }) { ... on UserError { code } } }",
      { run: first },
      ada,
    );
    expect(retryRun).toEqual({ code: "BUSY" });
    const other = await started(app, "mill.single", undefined, eve);
    go.open();
    await end(app, second);
    await end(app, other, eve);
    mill.once = done.once;
    await end(app, await started(app, "mill.single"));
  });

  it("lets others wait in line, each behind the one before, also where one in between is cancelled", async () => {
    const go = gate();
    let atWork = 0;
    let most = 0;
    mill.once = async () => {
      most = Math.max(most, ++atWork);
      await go.passed;
      atWork--;
    };
    const first = await started(app, "mill.queued");
    await until(app, first, ["RUNNING"]);
    const second = await started(app, "mill.queued", undefined, carla);
    const third = await started(app, "mill.queued");
    const fourth = await started(app, "mill.queued");
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: second }, carla);
    await end(app, await started(app, "mill.grind", { sacks: 1 }));
    expect(await look(app, third)).toMatchObject({ status: "QUEUED" });
    go.open();
    for (const id of [first, third, fourth]) expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED" });
    expect(most).toBe(1);
    mill.once = done.once;
  });
});
