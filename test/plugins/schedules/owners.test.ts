import { expect, it, vi } from "vitest";
import { authenticators, contribution, definePlugin } from "#weftline";
import { auth } from "../../../src/plugins/index.ts";
import { authService } from "#plugins/auth";
import { ada, bob } from "../agents/fixture.ts";
import { everyMinute, made, makeDue, runsOf, scheduleOf, schedulesPlatform, untilDisabled, untilRuns, verbs } from "./fixture.ts";

const rare = { ...everyMinute, cron: "0 0 29 2 *" };

it("an owner who lost access has its schedules disabled, and those of others go on", async () => {
  const viewers = [ada, bob].map(({ actorId: id, tenantId: tenant }) => ({ token: `the token of ${id}`, id, tenant }));
  await using app = await schedulesPlatform({}, {}, [auth({ viewers })]);
  const { create, update } = verbs(app);
  const hers = made(await create(rare));
  const his = made(await create(rare, bob));
  app.platform.use(authService).revoke(ada);
  await makeDue(app, [his.id, hers.id], undefined, bob);
  expect(await untilDisabled(app, hers.id)).toMatchObject({
    nextAt: null,
    lastRun: null,
    reason: expect.stringMatching(/"ada" has no access .*updateSchedule/),
  });
  await untilRuns(app, his.id, ["SUCCEEDED"], bob);
  expect(await runsOf(app, hers.id)).toEqual([]);
  expect(made(await update({ schedule: his.id, name: "Still his" }, bob))).toMatchObject({ enabled: true, reason: null });
});

it("where nobody can tell who an owner is now, its ticks stay due", async () => {
  const asked = vi.fn<() => undefined>(() => {
    throw new Error("The directory is away.");
  });
  const directory = definePlugin({
    id: "directory",
    contributes: [contribution(authenticators, "directory", { open: false, authenticate: () => undefined, viewerOf: asked })],
  });
  await using app = await schedulesPlatform({}, {}, [directory()]);
  const { id } = made(await verbs(app).create(rare));
  await makeDue(app, [id]);
  await vi.waitFor(() => expect(asked).toHaveBeenCalled(), { timeout: 20_000 });
  await makeDue(app, [id]);
  const { enabled, reason, nextAt } = await scheduleOf(app, id);
  expect({ enabled, reason, isDue: Date.parse(nextAt ?? "") <= Date.now() }).toEqual({ enabled: true, reason: null, isDue: true });
  expect(await runsOf(app, id)).toEqual([]);
});

/** A directory that never answers for bob. */
const silentForBob = (asked: () => void) =>
  definePlugin({
    id: "directory",
    contributes: [
      contribution(authenticators, "directory", {
        open: false,
        authenticate: () => undefined,
        viewerOf: (actor) => {
          if (actor.actorId !== "bob") return { ...actor, name: actor.actorId, roles: [] };
          asked();
          return new Promise<never>(() => {});
        },
      }),
    ],
  });

it("an owner whose access is never told holds up nobody else, nor the end of the server", async () => {
  const asked = vi.fn<() => void>();
  await using app = await schedulesPlatform({}, { checkMs: 60_000 }, [silentForBob(asked)()]);
  const { create } = verbs(app);
  const his = made(await create(rare, bob));
  const hers = made(await create(rare));
  await makeDue(app, [his.id], undefined, bob);
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
  for (const states of [["SUCCEEDED"], ["SUCCEEDED", "SUCCEEDED"]]) {
    await makeDue(app, [hers.id], `unixepoch() / 60 * 60000 + ${states.length}`);
    await untilRuns(app, hers.id, states);
  }
  expect(asked).toHaveBeenCalledOnce();
});

it("more such owners than are looked up at once hold up others for so long only, and their ticks stay due", async () => {
  await using app = await schedulesPlatform({}, { checkMs: 50 }, [silentForBob(() => {})()]);
  const { create } = verbs(app);
  const his = await Promise.all(Array.from({ length: 33 }, async (_, n) => made(await create({ ...rare, name: `His ${n}` }, bob)).id));
  const hers = made(await create(rare));
  await makeDue(app, his, "unixepoch() / 60 * 60000 - 1", bob);
  await makeDue(app, [hers.id]);
  await untilRuns(app, hers.id, ["SUCCEEDED"]);
  const { enabled, reason, nextAt } = await scheduleOf(app, his[0] ?? "", bob);
  expect({ enabled, reason, isDue: Date.parse(nextAt ?? "") <= Date.now() }).toEqual({ enabled: true, reason: null, isDue: true });
});
