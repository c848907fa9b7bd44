import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { contribution, defineJob, definePlugin, jobs, type JobContext } from "../../../src/core/index.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { end, startJob, started, until } from "./world.ts";

type Context = JobContext<{ readonly numbers: readonly number[] } & Record<string, unknown>, { readonly numbers: readonly number[] }>;

const store: { work: (ctx: Context) => unknown } = { work: () => undefined };
const keep = defineJob({
  name: "store.keep",
  input: z.looseObject({ numbers: z.array(z.number()) }),
  state: z.object({ numbers: z.array(z.number()) }),
  run: async (ctx) => store.work(ctx as unknown as Context),
});

let app: TestPlatform;
beforeAll(async () => {
  const plugin = definePlugin({ id: "store", contributes: [contribution(jobs, keep.name, keep)] });
  app = await testPlatform({ plugins: [plugin()] });
});
afterAll(() => app.close());

const digits = (count: number): number[] => Array.from({ length: count }, (_, at) => at % 10);

describe("a job of many small values", () => {
  it("is given all of its input, or refused", async () => {
    store.work = ({ input }) => input.numbers.length;
    expect(await end(app, await started(app, keep.name, { numbers: digits(100_000) }))).toMatchObject({
      status: "SUCCEEDED",
      output: 100_000,
    });
    expect(await startJob(app, { job: keep.name, input: { numbers: digits(140_000) } })).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("is given all of what it saved, or told that it is too much", async () => {
    store.work = async ({ state, save, input }) => {
      if (state) return state.numbers.length;
      await save({ numbers: digits(Number(input.numbers[0])) });
      await app.platform.database.commit(({ sql }) =>
        sql.run("update runs_run set epoch = epoch + 1, lease_until = 0 where finished_at is null"),
      );
      return new Promise(() => undefined);
    };
    const id = await started(app, keep.name, { numbers: [30_000] });
    await until(app, id, ["RUNNING"]);
    await expect.poll(async () => app.platform.database.read.get("select 1 as saved from runs_job_state")).toEqual({ saved: 1 });
    await app.restart();
    expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED", output: 30_000 });
    expect(await end(app, await started(app, keep.name, { numbers: [40_000] }))).toMatchObject({
      status: "FAILED",
      failure: { code: "JOB_STATE_INVALID" },
    });
  });
});

describe("a job that does what jobs do not do", () => {
  it.each([
    ["a text", "no corn"],
    ["nothing", undefined],
    ["null", null],
    ["an object", { message: 7, code: "FORBIDDEN" }],
    [
      "what breaks when it is looked at",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("Do not look.");
          },
        },
      ),
    ],
  ])("fails where it throws %s", async (_, thrown) => {
    store.work = () => {
      throw thrown;
    };
    expect(await end(app, await started(app, keep.name, { numbers: [] }))).toMatchObject({
      status: "FAILED",
      failure: { code: "INTERNAL" },
    });
  });

  it.each([[Number.NaN], [-1], [1.5], [Number.POSITIVE_INFINITY]])("fails where its progress is %s", async (done) => {
    store.work = ({ progress }) => progress(done);
    expect(await end(app, await started(app, keep.name, { numbers: [] }))).toMatchObject({
      status: "FAILED",
      failure: { code: "PROTOCOL_VIOLATION" },
    });
  });

  it.each([[10n], [Symbol("x")], [() => 1]])("is failed, or gives nothing, by an output that is no JSON", async (output) => {
    store.work = () => output;
    const run = await end(app, await started(app, keep.name, { numbers: [] }));
    expect(run.failure?.code ?? run.output).toSatisfy((said: unknown) => said === null || said === "OUTPUT_INVALID");
  });

  it("takes no prototype of anything from its input", async () => {
    store.work = ({ input }) => [Object.keys(input).toSorted(), ({} as Record<string, unknown>)["polluted"] ?? null];
    const input = JSON.parse(
      '{"numbers": [], "__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
    ) as object;
    const run = await end(app, await started(app, keep.name, input));
    expect(run).toMatchObject({ status: "SUCCEEDED", output: [expect.not.arrayContaining(["polluted"]), null] });
  });
});
