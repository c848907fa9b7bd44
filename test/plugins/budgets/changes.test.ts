import { describe, expect, it } from "vitest";
import { asked, budget, decide, ended, gated, go, me, read, set, until } from "./desk.ts";
import { ada, agent, play, root, world, type World } from "./world.ts";

async function cancel({ app }: World, run: string): Promise<void> {
  await app.graphql(`mutation ($run: ID!) { cancelRun(run: $run) { __typename ... on UserError { message } } }`, { run }, ada);
}

const remove = ({ app }: World, id: string): Promise<unknown> =>
  app.graphql(`mutation ($b: ID!) { removeBudget(budget: $b) { __typename } }`, { b: id }, root);

describe("a budget that is changed while a call is under way", () => {
  it("counts the call to its new periods, too, and not twice where they stay", async () => {
    const gate = gated();
    await using here = await world({ behave: gate.behave });
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 100 } });
    const first = await budget(here, { tokenLimit: 10_000 });
    const other = await budget(here, { scope: "USER", scopeId: me(here, ada), tokenLimit: 10_000 });
    const { run } = await go(here, "Mole");
    await expect.poll(() => here.provider.seen.length).toBe(1);
    const input = { scope: "TENANT", onExceed: "DENY", tokenLimit: 10_000 };
    expect(await set(here, { ...input, id: first.id, period: "PT1H" })).toHaveProperty("budget");
    expect(await set(here, { ...input, id: other.id, scope: "USER", scopeId: me(here, ada), tokenLimit: 9_000 })).toHaveProperty("budget");
    gate.open();
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    for (const { id } of [first, other])
      expect(await read(here, id)).toMatchObject({
        spent: { modelCalls: 1, inputTokens: 11, outputTokens: 7 },
        reserved: { modelCalls: 0 },
      });
    await set(here, { ...input, id: first.id });
    expect(await read(here, first.id)).toMatchObject({ spent: { modelCalls: 1 } });
  });

  it("keeps its scope, since what was spent is of that", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    const rat = await agent(here, { name: "Rat", model: "lab/rat" });
    await play(here, { target: { agent: { name: "Mole" } } });
    const { id } = await budget(here, { tokenLimit: 10_000 });
    const input = { id, tokenLimit: 10_000, onExceed: "DENY" };
    expect(await set(here, { ...input, scope: "AGENT", scopeId: rat })).toMatchObject({
      __typename: "ConflictError",
      path: ["input", "scope"],
    });
    const ofMole = await budget(here, { scope: "AGENT", scopeId: mole, tokenLimit: 10_000 });
    expect(await set(here, { ...input, id: ofMole.id, scope: "AGENT", scopeId: rat })).toMatchObject({ __typename: "ConflictError" });
    expect(await read(here, id)).toMatchObject({ scope: "TENANT", spent: { modelCalls: 1 } });
  });

  it("may be set below what is reserved, or removed: the call ends, and the next is decided by what is there", async () => {
    const gate = gated();
    await using here = await world({ behave: gate.behave });
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 100 } });
    const { id } = await budget(here, { tokenLimit: 10_000 });
    const [one, two] = await Promise.all([go(here, "Mole"), go(here, "Mole")]);
    await expect.poll(() => here.provider.seen.length).toBe(2);
    await budget(here, { id, tokenLimit: 20 });
    const late = await go(here, "Mole");
    expect(await until(here, late.run?.id ?? "", ended)).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    await remove(here, id);
    const again = await budget(here, { tokenLimit: 5_000 });
    gate.open();
    for (const { run } of [one, two]) expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(await read(here, again.id)).toMatchObject({ spent: { modelCalls: 2, inputTokens: 22 }, reserved: { modelCalls: 0 } });
    expect(await here.app.platform.database.read.get("select count(*) as n from budgets_call")).toEqual({ n: 0 });
  });
});

describe("a budget whose period is over", () => {
  it("begins anew with nothing spent, keeps no account of before, and counts a call to the period in which it was made", async () => {
    const gate = gated();
    await using here = await world({ behave: gate.behave });
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 100 } });
    const { id } = await budget(here, { tokenLimit: 10_000, period: "PT1M" });
    const { database } = here.app.platform;
    const accounts = (): Promise<readonly object[]> =>
      database.read.all("select input + output as spent, held_calls as held from budgets_account order by id");
    /** So many minutes pass, for the budget. */
    const pass = (minutes: number): Promise<unknown> =>
      database.commit(async ({ sql }) => {
        const { made } = (await sql.get<{ made: number }>("select created_at as made from budgets_budget")) ?? { made: 0 };
        const earlier = made - minutes * 60_000;
        await sql.run("update budgets_budget set created_at = ?", earlier);
        await sql.run(
          "update budgets_account set id = substr(id, 1, instr(id, '@')) || (cast(substr(id, instr(id, '@') + 1) as integer) - cast(? as integer))",
          minutes * 60_000,
        );
        await sql.run("update budgets_call set accounts = replace(accounts, ?, ?)", `@${made}`, `@${earlier}`);
      }, "test.pass");
    const first = await go(here, "Mole");
    await expect.poll(() => here.provider.seen.length).toBe(1);
    await pass(1);
    const second = await go(here, "Mole");
    await expect.poll(() => here.provider.seen.length).toBe(2);
    expect(await accounts()).toEqual([
      { spent: 0, held: 1 },
      { spent: 0, held: 1 },
    ]);
    expect(await read(here, id)).toMatchObject({ reserved: { modelCalls: 1 }, spent: { modelCalls: 0 } });
    gate.open();
    for (const { run } of [first, second]) expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(await accounts()).toEqual([
      { spent: 18, held: 0 },
      { spent: 18, held: 0 },
    ]);
    await database.commit(({ sql }) => sql.run("update runs_usage set created_at = created_at - 600000"), "test.before");
    await pass(5);
    await play(here, { target: { agent: { name: "Mole" } } });
    expect(await accounts()).toEqual([{ spent: 18, held: 0 }]);
  });
});

describe("a run that waits for a budget", () => {
  it("goes on when that is removed, and ends where it is cancelled, with nothing held and nobody asked", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { tokenLimit: 10, onExceed: "PAUSE" });
    const [one, two] = await Promise.all([go(here, "Mole"), go(here, "Mole")]);
    for (const { run } of [one, two]) expect((await until(here, run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    await cancel(here, two.run?.id ?? "");
    expect(await until(here, two.run?.id ?? "", ended)).toMatchObject({ status: "CANCELLED" });
    const [question, ...others] = await asked(here, root);
    expect(others).toEqual([]);
    await remove(here, id);
    expect(await until(here, one.run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(await decide(here, question?.id ?? "", "APPROVE", root)).toMatchObject({ __typename: "ConflictError" });
    for (const table of ["budgets_call", "budgets_account", "budgets_lift"])
      expect(await here.app.platform.database.read.get(`select count(*) as n from ${table}`)).toEqual({ n: 0 });
  });

  it("asks for each budget that pauses, one after the other, and is refused by one that denies whatever was approved", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    await budget(here, { tokenLimit: 10, onExceed: "PAUSE" });
    await budget(here, { scope: "USER", scopeId: me(here, ada), tokenLimit: 10, onExceed: "PAUSE" });
    const { run } = await go(here, "Mole");
    for (let at = 0; at < 2; at++) {
      await expect.poll(async () => (await asked(here, root)).length, { timeout: 10_000 }).toBe(1);
      const [question] = await asked(here, root);
      expect(await decide(here, question?.id ?? "", "APPROVE", root)).toMatchObject({ __typename: "DecideInterruptPayload" });
    }
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    const waiting = await go(here, "Mole");
    expect((await until(here, waiting.run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    await budget(here, { scope: "AGENT", scopeId: mole, tokenLimit: 20 });
    const [question] = await asked(here, root);
    expect(await decide(here, question?.id ?? "", "APPROVE", root)).toMatchObject({ __typename: "DecideInterruptPayload" });
    expect(await until(here, waiting.run?.id ?? "", ended)).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(1);
  });
});
