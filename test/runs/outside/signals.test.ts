import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeftlineError, globalId, localId } from "#weftline";
import { testViewer } from "../../../src/testing/index.ts";
import { awaitSignal, bootChores, change, kindsOf, seen, sendSignal, until } from "./world.ts";

let world: Awaited<ReturnType<typeof bootChores>>;
beforeAll(async () => {
  world = await bootChores();
});
afterAll(() => world.app.close());

const untaken = (run: string) =>
  world.app.platform.database.read.all<{ name: string; taken_by: string | null }>(
    "select name, taken_by from runs_signal where run_id = ? order by num",
    localId("Run", run),
  );

describe("a signal", () => {
  it("wakes the run that waits for it, and is what the step comes to", async () => {
    const { app, start } = world;
    const run = await start((ctx) => awaitSignal(ctx, "go"));
    await until(app, run, "WAITING");
    expect(await sendSignal(app, run, { name: "other" })).toMatchObject({ __typename: "SignalRunPayload" });
    expect(await sendSignal(app, run, { payload: { rows: [1] } })).toMatchObject({ __typename: "SignalRunPayload" });
    const ended = await until(app, run, "SUCCEEDED");
    expect(ended.output).toEqual({ rows: [1] });
    const signals = ended.events.filter(({ type }) => type === "signal.received");
    expect(signals).toEqual([
      { type: "signal.received", name: "other", payload: null },
      { type: "signal.received", name: "go", payload: { rows: [1] } },
    ]);
    expect(await untaken(run)).toMatchObject([{ taken_by: null }, { taken_by: expect.stringContaining(".s1") }]);
  });

  it("counts also where it comes before anything waits for it, in the order in which signals came, each once", async () => {
    const { app, start } = world;
    const gate = Promise.withResolvers<void>();
    const run = await start(async (ctx) => {
      await gate.promise;
      return [await awaitSignal(ctx, "go", "first"), await awaitSignal(ctx, "go", "second"), await awaitSignal(ctx, "go", "third")];
    });
    for (const payload of ["a", "b"]) await sendSignal(app, run, { payload });
    gate.resolve();
    await until(app, run, "WAITING");
    await sendSignal(app, run, { payload: "c" });
    expect((await until(app, run, "SUCCEEDED")).output).toEqual(["a", "b", "c"]);
  });

  it("is not lost while the turn ends that just looked for it", async () => {
    const { app, start } = world;
    const run = await start(async (ctx) => {
      const first = await awaitSignal(ctx, "go").catch(() => undefined);
      if (first !== undefined) return first;
      expect(await sendSignal(app, globalId("Run", ctx.runId), { payload: "just in time" })).toMatchObject({
        __typename: "SignalRunPayload",
      });
      throw new WeftlineError("RUN_SUSPENDED");
    });
    expect((await until(app, run, "SUCCEEDED")).output).toBe("just in time");
  });

  it("is sent once a key", async () => {
    const { app, start } = world;
    const run = await start((ctx) => awaitSignal(ctx, "end"));
    const more = { payload: 1, key: "once" };
    expect(await Promise.all([sendSignal(app, run, more), sendSignal(app, run, more)])).toMatchObject([
      { __typename: "SignalRunPayload" },
      { __typename: "SignalRunPayload" },
    ]);
    expect(await sendSignal(app, run, { ...more, payload: 2 })).toMatchObject({ __typename: "ConflictError", path: ["idempotencyKey"] });
    await sendSignal(app, run, { name: "end" });
    const { events } = await until(app, run, "SUCCEEDED");
    expect(events.filter(({ name }) => name === "go")).toHaveLength(1);
  });

  it("is refused where it cannot be one, and nothing is written", async () => {
    const { app, start } = world;
    const run = await start((ctx) => awaitSignal(ctx, "go"));
    await until(app, run, "WAITING");
    const before = await seen(app, run);
    const wrong: readonly (readonly [object, string, readonly string[]])[] = [
      [{ name: " " }, "INVALID_INPUT", ["name"]],
      [{ name: "x".repeat(101) }, "INVALID_INPUT", ["name"]],
      [{ payload: "x".repeat(64 * 1024) }, "INVALID_INPUT", ["payload"]],
    ];
    for (const [more, code, path] of wrong) expect(await sendSignal(app, run, more)).toMatchObject({ code, path });
    expect(await sendSignal(app, run, {}, testViewer("stranger"))).toMatchObject({ code: "NOT_FOUND" });
    expect(await sendSignal(app, run, {}, testViewer("admin", { roles: ["admin"] }))).toMatchObject({ code: "NOT_FOUND" });
    expect(await sendSignal(app, globalId("Run", "none"))).toMatchObject({ code: "NOT_FOUND", path: ["run"] });
    expect(await seen(app, run)).toEqual(before);
    expect(await sendSignal(app, run, { payload: "x".repeat(64 * 1024 - 2) })).toMatchObject({ __typename: "SignalRunPayload" });
    await until(app, run, "SUCCEEDED");
    expect(await sendSignal(app, run)).toMatchObject({ __typename: "ConflictError", path: ["run"] });
  });

  it("is refused while a thousand wait to be taken", async () => {
    const { app, start } = world;
    const run = await start((ctx) => awaitSignal(ctx, "go"));
    await until(app, run, "WAITING");
    await app.platform.database.commit(({ sql }) =>
      sql.run(
        `with recursive n(i) as (select 1 union all select i + 1 from n where i < 999)
         insert into runs_signal (id, run_id, num, name, at) select 'many-' || i, ?, i, 'other', 0 from n`,
        localId("Run", run),
      ),
    );
    expect(await sendSignal(app, run, { name: "other" })).toMatchObject({ __typename: "SignalRunPayload" });
    expect(await sendSignal(app, run)).toMatchObject({ __typename: "RateLimitedError", path: ["run"] });
    await change(app, "cancel", run);
    expect(await kindsOf(app, run)).toContain("run.cancelled");
  });
});
