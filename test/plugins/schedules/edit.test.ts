import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, bob, root, stranger } from "../agents/fixture.ts";
import { everyMinute, made, scheduleFields, scheduleOf, schedulesPlatform, verbs, yearly, type ScheduleData } from "./fixture.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await schedulesPlatform({}, { perOwner: 5 });
});
afterAll(() => app.close());

describe("createSchedule", () => {
  it("answers with the schedule, its defaults and its next tick", async () => {
    const { create, remove } = verbs(app);
    const schedule = made(await create({ ...yearly, name: "  Defaults ", cron: " 0 0 29 2 * " }));
    expect(schedule).toEqual({
      id: expect.any(String),
      name: "Defaults",
      cron: "0 0 29 2 *",
      timeZone: "UTC",
      missedTicks: "RUN_ONCE",
      overlap: "SKIP",
      enabled: true,
      reason: null,
      nextAt: expect.stringMatching(/^\d{4}-02-29T00:00:00/),
      input: null,
      text: "Go.",
      target: { name: "Paper" },
      thread: null,
      lastRun: null,
    });
    expect(await remove(schedule.id)).toEqual({ __typename: "RemoveSchedulePayload", deletedScheduleId: schedule.id });
    expect(await remove(schedule.id)).toMatchObject({ __typename: "NotFoundError" });
  });

  it.each([
    [{ name: " " }, ["name"]],
    [{ name: "x".repeat(101) }, ["name"]],
    [{ name: "two\nlines" }, ["name"]],
    [{ cron: "* * * * * *" }, ["cron"]],
    [{ cron: "0 0 30 2 *" }, ["cron"]],
    [{ timeZone: "Mars/Olympus" }, ["timeZone"]],
    [{ text: " " }, ["text"]],
    [{ text: "x".repeat(300_000) }, ["text"]],
    [{ input: { pad: "x".repeat(200_000) }, text: "x".repeat(100_000) }, [undefined]],
    [{ limits: { maxSteps: 0 } }, ["limits", "maxSteps"]],
    [{ limits: { maxCost: { amount: "1" } } }, ["limits", "maxCost"]],
    [{ name: "", cron: "nonsense", timeZone: "+02:00", text: "" }, ["name", "cron", "timeZone", "text"]],
  ])("refuses %j and names the fields", async (change, fields) => {
    const { __typename, issues } = await verbs(app).create({ ...everyMinute, ...change });
    expect(__typename).toBe("InvalidInputError");
    const paths = issues?.map(({ path }) => path);
    expect(paths).toEqual(fields[0] === "limits" ? [["input", ...fields]] : fields.map((name) => ["input", ...(name ? [name] : [])]));
  });

  it("looks for its target and its thread as startRun does", async () => {
    const { create } = verbs(app);
    expect(await create({ ...everyMinute, target: { agent: { name: "Nobody" } } })).toMatchObject({
      __typename: "NotFoundError",
      path: ["input", "target", "agent"],
    });
    expect(await create({ ...everyMinute, thread: globalId("Thread", "none") })).toMatchObject({
      __typename: "NotFoundError",
      path: ["input", "thread"],
    });
    expect(await create({ ...everyMinute, thread: "nonsense" })).toMatchObject({ code: "INVALID_ID", path: ["input", "thread"] });
    await app.graphql('mutation { createAgent(input: { name: "Draft", framework: "paper", activate: false }) { __typename } }', {}, ada);
    expect(await create({ ...everyMinute, target: { agent: { name: "Draft" } } })).toMatchObject({
      __typename: "ConflictError",
      code: "AGENT_NOT_ACTIVE",
    });
  });

  it("keeps names apart per owner, counts, and answers the same key with the same schedule", async () => {
    const { create, remove, update } = verbs(app);
    const one = made(await create({ ...yearly, idempotencyKey: "k" }));
    expect(made(await create({ ...yearly, idempotencyKey: "k" })).id).toBe(one.id);
    expect(await create({ ...yearly, cron: "@daily", idempotencyKey: "k" })).toMatchObject({
      __typename: "ConflictError",
      code: "IDEMPOTENCY_CONFLICT",
    });
    expect(await create(yearly)).toMatchObject({ __typename: "ConflictError", path: ["input", "name"] });
    const others = await Promise.all([
      made(await create(yearly, bob)),
      ...[1, 2, 3, 4].map(async (n) => made(await create({ ...yearly, name: `N${n}` }))),
    ]);
    expect(await create({ ...yearly, name: "One too many" })).toMatchObject({
      __typename: "RateLimitedError",
      message: "One owner has 5 schedules at most.",
    });
    expect(await update({ schedule: one.id, name: "N1" })).toMatchObject({ __typename: "ConflictError", path: ["input", "name"] });
    const list = "{ schedules(first: 2) { totalCount nodes { name } pageInfo { hasNextPage } } }";
    expect(await app.graphql(list, {}, ada)).toEqual({
      schedules: { totalCount: 5, nodes: [{ name: "N4" }, { name: "N3" }], pageInfo: { hasNextPage: true } },
    });
    await remove(others[0]?.id ?? "", bob);
    for (const { id } of [one, ...others.slice(1)]) await remove(id);
  });
});

describe("updateSchedule", () => {
  it("changes what is given, clears what may be cleared, and counts new times from now", async () => {
    const { create, update, remove } = verbs(app);
    const { id, nextAt } = made(await create({ ...yearly, input: [1], limits: { maxSteps: 3 } }));
    expect(made(await update({ schedule: id, name: "Renamed", missedTicks: "SKIP", overlap: "QUEUE" }))).toMatchObject({
      name: "Renamed",
      missedTicks: "SKIP",
      overlap: "QUEUE",
      nextAt,
    });
    expect(made(await update({ schedule: id, input: null, text: null, limits: null }))).toMatchObject({ input: null, text: null, nextAt });
    const moved = made(await update({ schedule: id, cron: "0 0 1 1 *", timeZone: "Asia/Tokyo" }));
    expect(moved.nextAt).toMatch(/-12-31T15:00:00/);
    expect(made(await update({ schedule: id, enabled: false }))).toMatchObject({ enabled: false, nextAt: null, reason: null });
    expect(made(await update({ schedule: id, cron: "@yearly" }))).toMatchObject({ enabled: false, nextAt: null });
    expect(made(await update({ schedule: id, enabled: true, timeZone: "UTC" })).nextAt).toMatch(/-01-01T00:00:00/);
    const cleared = await update({
      schedule: id,
      name: null,
      target: null,
      cron: null,
      timeZone: null,
      missedTicks: null,
      overlap: null,
      enabled: null,
    });
    expect(cleared.issues?.map(({ path }) => path[1])).toEqual(["name", "target", "cron", "timeZone", "missedTicks", "overlap", "enabled"]);
    expect(await update({ schedule: id, target: { agent: { name: "Nobody" } } })).toMatchObject({ __typename: "NotFoundError" });
    await remove(id);
  });
});

describe("upcoming", () => {
  const upcoming = (id: string, first?: number) =>
    app.graphql<{ node: { upcoming: string[] } }>(
      "query ($id: ID!, $first: Int) { node(id: $id) { ... on Schedule { upcoming(first: $first) } } }",
      { id, ...(first === undefined ? {} : { first }) },
      ada,
    );

  it("shows the next ticks, five by default and fifty at most, and none while it is disabled", async () => {
    const { create, update, remove } = verbs(app);
    const { id, nextAt } = made(await create({ ...yearly, cron: "0 12 1 1 *", timeZone: "Europe/Berlin" }));
    const five = (await upcoming(id)).node.upcoming;
    expect(five[0]).toBe(nextAt);
    expect(five.map((tick) => tick.slice(4, 16))).toEqual(Array.from({ length: 5 }, () => "-01-01T11:00"));
    expect(new Set((await upcoming(id, 50)).node.upcoming).size).toBe(50);
    expect((await upcoming(id, 0)).node.upcoming).toEqual([]);
    for (const first of [-1, 51]) await expect(upcoming(id, first)).rejects.toThrow("At most 50 ticks.");
    const both = "query ($id: ID!) { node(id: $id) { ... on Schedule { a: upcoming(first: 1) b: upcoming(first: 3) } } }";
    expect(await app.graphql(both, { id }, ada)).toEqual({ node: { a: five.slice(0, 1), b: five.slice(0, 3) } });
    await update({ schedule: id, enabled: false });
    expect((await upcoming(id)).node.upcoming).toEqual([]);
    await remove(id);
  });

  it("of two schedules are each their own", async () => {
    const { create, remove } = verbs(app);
    const one = made(await create({ ...yearly, cron: "0 12 1 1 *" }));
    const two = made(await create({ ...yearly, name: "Two", cron: "0 13 1 1 *" }));
    const { schedules } = await app.graphql<{ schedules: { nodes: { upcoming: string[] }[] } }>(
      "{ schedules { nodes { upcoming(first: 1) } } }",
      {},
      ada,
    );
    expect(schedules.nodes.map(({ upcoming: [tick] }) => tick?.slice(11, 13))).toEqual(["13", "12"]);
    for (const { id } of [one, two]) await remove(id);
  });
});

it("others do not find a schedule; admins of the tenant see that it exists, and may not change it", async () => {
  const { create, update, remove } = verbs(app);
  const { id } = made(await create({ ...yearly, input: { secret: 1 }, text: "Secret." }));
  for (const viewer of [bob, stranger]) {
    expect(await scheduleOf(app, id, viewer)).toBeNull();
    expect(await update({ schedule: id, name: "Mine" }, viewer)).toMatchObject({ __typename: "NotFoundError" });
    expect(await remove(id, viewer)).toMatchObject({ __typename: "NotFoundError" });
  }
  expect(await scheduleOf(app, id, root)).toMatchObject({ name: "", text: null, input: null, cron: "0 0 29 2 *", enabled: true });
  const auditor = { ...root, roles: ["admin", "audit"] };
  expect(await scheduleOf(app, id, auditor)).toMatchObject({ name: "Yearly", text: "Secret.", input: { secret: 1 } });
  expect(await update({ schedule: id, enabled: false }, root)).toMatchObject({ __typename: "NotFoundError" });
  const mine = `{ schedules { nodes { ${scheduleFields} } } }`;
  expect((await app.graphql<{ schedules: { nodes: ScheduleData[] } }>(mine, {}, root)).schedules.nodes).toEqual([]);
  await remove(id);
});
