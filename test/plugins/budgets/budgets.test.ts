import { describe, expect, it } from "vitest";
import type { Viewer } from "#weftline";
import { asked, budget, budgetFields, decide, ended, gated, go, localId, me, read, set, until, type BudgetData } from "./desk.ts";
import { ada, agent, answers, bob, play, root, stranger, world } from "./world.ts";

describe("a budget that denies", () => {
  it("is reserved from before each call, settled with what was reported, and never passed", async () => {
    const gate = gated();
    await using here = await world({ behave: gate.behave });
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 1_000 } });
    const { id } = await budget(here, { maxCost: { amount: "0.01" } });
    const started = await go(here, "Mole");
    await expect.poll(() => here.provider.seen.length).toBe(1);
    const held = await read(here, id);
    // A thousand tokens written are 0.0025 dollars, and what is read comes on top.
    expect(Number(held?.reserved.cost?.amount)).toBeGreaterThan(0.0025);
    expect(held).toMatchObject({ reserved: { modelCalls: 1 }, spent: { modelCalls: 0 } });
    gate.open();
    expect(await until(here, started.run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(await read(here, id)).toMatchObject({
      reserved: { modelCalls: 0, cost: null },
      spent: { modelCalls: 1, inputTokens: 11, outputTokens: 7, cost: { amount: "0.000027" } },
    });
  });

  it("caps answers by what is left, and never above the agent's own cap, over each API", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 100 } });
    await agent(here, { name: "Open", model: "own/mole" });
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    await budget(here, { maxCost: { amount: "0.004" } });
    for (const name of ["Mole", "Open", "Listed"])
      expect(await play(here, { target: { agent: { name } } })).toMatchObject({ status: "SUCCEEDED" });
    const [mole, open, listed] = here.provider.seen.map(({ body }) => body);
    expect(mole).toMatchObject({ max_tokens: 100 });
    expect(open?.["max_tokens"]).toBeGreaterThan(1_000);
    expect(open?.["max_tokens"]).toBeLessThan(1_600);
    expect(listed?.["max_output_tokens"]).toBeGreaterThan(300);
    expect(listed?.["max_output_tokens"]).toBeLessThan(500);
  });

  it("fails a run whose next call does not fit, and starts none while it is used up", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { scope: "USER", scopeId: me(here, ada), tokenLimit: 18 });
    const failed = await play(here, { target: { agent: { name: "Mole" } } });
    expect(failed).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(0);
    await set(here, { id, scope: "USER", scopeId: me(here, ada), tokenLimit: 2_000, onExceed: "DENY" });
    expect(await play(here, { target: { agent: { name: "Mole" } } })).toMatchObject({ status: "SUCCEEDED" });
    await set(here, { id, scope: "USER", scopeId: me(here, ada), tokenLimit: 18, onExceed: "DENY" });
    const refused = await here.app.graphql(
      `mutation ($input: StartRunInput!) { startRun(input: $input) { __typename ... on BudgetExceededError { code message budget { id scope } } } }`,
      { input: { target: { agent: { name: "Mole" } }, text: "Go." } },
      ada,
    );
    expect(refused).toMatchObject({
      startRun: { __typename: "BudgetExceededError", code: "BUDGET_EXCEEDED", budget: { id, scope: "USER" } },
    });
    expect(await go(here, "Mole")).toMatchObject({ __typename: "BudgetExceededError" });
    // Another's runs are not of this budget.
    expect((await play(here, { target: { agent: { name: "Mole" } } }, bob)).status).toBe("SUCCEEDED");
  });

  it("holds for 50 runs at once: a budget worth ten calls makes ten requests at most", async () => {
    await using here = await world({
      behave: async (response, request) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await answers(response, request);
      },
    });
    await agent(here, { name: "Mole", model: "own/mole", options: { maxOutputTokens: 7 } });
    // Answers of seven tokens cost 27 millionths; nothing is ever below that.
    const { id } = await budget(here, { maxCost: { amount: "0.00027" } });
    const started = await Promise.all(Array.from({ length: 50 }, () => go(here, "Mole")));
    const ran = started.flatMap(({ run }) => (run ? [run.id] : []));
    const runs = await Promise.all(ran.map((run) => until(here, run, ended)));
    const made = here.provider.seen.length;
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(10);
    expect(runs.filter(({ status }) => status === "SUCCEEDED")).toHaveLength(made);
    const { spent, reserved } = (await read(here, id)) as BudgetData;
    expect(spent.modelCalls).toBe(made);
    expect(reserved.modelCalls).toBe(0);
    expect(Number(spent.cost?.amount)).toBeLessThanOrEqual(0.00027);
  });

  it("counts what was spent before it was set, each scope by its own, and calls without a price to nobody's money", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    await agent(here, { name: "Rat", model: "lab/rat" });
    for (const name of ["Mole", "Rat"]) await play(here, { target: { agent: { name } } });
    await play(here, { target: { agent: { name: "Mole" } } }, bob);
    const spent = async (input: Record<string, unknown>): Promise<unknown> =>
      (await budget(here, { maxCost: { amount: "1" }, ...input })).spent;
    expect(await spent({})).toMatchObject({ modelCalls: 3, unpricedCalls: 1, cost: { amount: "0.000054" } });
    expect(await spent({ scope: "USER", scopeId: me(here, bob) })).toMatchObject({ modelCalls: 1 });
    expect(await spent({ scope: "AGENT", scopeId: mole })).toMatchObject({ modelCalls: 2, unpricedCalls: 0 });
    expect(await spent({ period: "P1D", timeZone: "Europe/Berlin" })).toMatchObject({ modelCalls: 3 });
    await play(here, { target: { agent: { name: "Mole" } } });
    const all = await here.app.graphql<{ budgets: { nodes: BudgetData[] } }>(`{ budgets { nodes ${budgetFields} } }`, {}, ada);
    expect(all.budgets.nodes.map(({ scope, spent: { modelCalls } }) => [scope, modelCalls])).toEqual([
      ["TENANT", 4],
      ["AGENT", 3],
      ["USER", 1],
      ["TENANT", 4],
    ]);
  });

  it("gives back what a provider refused, and counts what broke off as an estimate", async () => {
    let how: "refuse" | "break" = "refuse";
    await using here = await world({
      behave: (response) => {
        if (how === "refuse")
          return void response.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"No."}}');
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(
          'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Once upon a time"}}]}\n\n',
        );
        setTimeout(() => response.destroy(), 20);
      },
    });
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { tokenLimit: 1_000_000 });
    expect(await play(here, { target: { agent: { name: "Mole" } } })).toMatchObject({ status: "FAILED" });
    expect(await read(here, id)).toMatchObject({ spent: { modelCalls: 0 }, reserved: { modelCalls: 0 } });
    how = "break";
    const broken = await play(here, { target: { agent: { name: "Mole" } } });
    expect(broken).toMatchObject({ status: "FAILED", usage: { modelCalls: 3 } });
    expect(await read(here, id)).toMatchObject({ spent: { modelCalls: 3, outputTokens: 12 }, reserved: { modelCalls: 0 } });
  });
});

describe("a budget that pauses", () => {
  it("has the run ask admins alone, lets it make one more call for each leave, and ends it where it is rejected", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { tokenLimit: 10, onExceed: "PAUSE" });
    const { run } = await go(here, "Mole");
    expect((await until(here, run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    const [question] = await asked(here, root);
    expect(question).toMatchObject({
      kind: "BUDGET",
      canDecide: true,
      message: expect.stringMatching(/one more model call.*tokens left/) as string,
    });
    expect(await asked(here, ada)).toMatchObject([{ canDecide: false }]);
    for (const of of ["", `, run: "${run?.id}"`])
      expect(await here.app.graphql(`{ interrupts(decidable: true${of}) { nodes { id } } }`, {}, ada)).toEqual({
        interrupts: { nodes: [] },
      });
    expect(await here.app.graphql("{ interrupts(decidable: true) { nodes { kind } } }", {}, root)).toEqual({
      interrupts: { nodes: [{ kind: "BUDGET" }] },
    });
    expect(await decide(here, question?.id ?? "", "APPROVE", ada)).toMatchObject({ code: "FORBIDDEN" });
    const row = await here.app.platform.database.read.get("select lease_owner as lease from runs_run where status = 'WAITING'");
    expect(row).toEqual({ lease: null });
    expect(await decide(here, question?.id ?? "", "APPROVE", root)).toMatchObject({ __typename: "DecideInterruptPayload" });
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED", text: "Paper." });
    expect(await read(here, id)).toMatchObject({ spent: { modelCalls: 1 }, reserved: { modelCalls: 0 } });

    const second = await go(here, "Mole");
    expect((await until(here, second.run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    const next = (await asked(here, root))[0];
    await decide(here, next?.id ?? "", "REJECT", root);
    expect(await until(here, second.run?.id ?? "", ended)).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(1);
  });

  it("goes on by itself when it is raised, and when its period begins anew", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { tokenLimit: 10, onExceed: "PAUSE" });
    const { run } = await go(here, "Mole");
    expect((await until(here, run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    await set(here, { id, scope: "TENANT", tokenLimit: 10_000_000, onExceed: "PAUSE" });
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(await asked(here, root)).toEqual([]);

    const short = await budget(here, { tokenLimit: 5_000, period: "PT1M", onExceed: "PAUSE" });
    const { database } = here.app.platform;
    await database.commit(({ sql }) => sql.run("update budgets_account set input = 5000 where budget_id = ?", localId(short.id)));
    const second = await go(here, "Mole");
    expect((await until(here, second.run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    // A minute passes: the period is moved back, and the question with it.
    await database.commit(async ({ sql }) => {
      await sql.run("update budgets_budget set created_at = created_at - 60000 where id = ?", localId(short.id));
      await sql.run("update budgets_account set id = replace(id, ?, ?) where budget_id = ?", "@", "@old", localId(short.id));
      await sql.run(`update runs_interrupt set expires_at = ${sql.now} where status = 'PENDING'`);
    });
    expect(await until(here, second.run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
  });

  it("waits over a restart", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    await budget(here, { tokenLimit: 10, onExceed: "PAUSE" });
    const { run } = await go(here, "Mole");
    expect((await until(here, run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    await here.app.restart();
    const [question] = await asked(here, root);
    await decide(here, question?.id ?? "", "APPROVE", root);
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
  });
});

describe("the limits of a run", () => {
  it("hold its money, over the runs below it too", async () => {
    await using here = await world();
    for (const name of ["One", "Two"]) await agent(here, { name, model: "own/mole", options: { maxOutputTokens: 200 } });
    const tight = await play(here, { target: { agent: { name: "One" } }, limits: { maxCost: { amount: "0.000001" } } });
    expect(tight).toMatchObject({
      status: "FAILED",
      failure: { code: "RUN_LIMIT", message: expect.stringContaining("0.000001 USD") as string },
    });
    expect(await play(here, { target: { agent: { name: "One" } }, limits: { maxCost: { amount: "0.01" } } })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(here.provider.seen).toHaveLength(1);
    const nodes = ["One", "Two"].map((name, at) => ({
      key: `n${at}`,
      kind: "agent",
      dependsOn: at === 0 ? [] : ["n0"],
      config: { agent: { name }, text: "Go." },
    }));
    await here.app.graphql(
      `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }`,
      { input: { name: "Both", nodes } },
      ada,
    );
    // Enough for the first alone: 27 millionths are spent, and the second may cost 500 and more.
    const both = await play(here, {
      target: { workflow: { name: "Both" } },
      text: undefined,
      input: {},
      limits: { maxCost: { amount: "0.00008" } },
    });
    expect(both.status).toBe("FAILED");
    expect(here.provider.seen.length).toBeLessThanOrEqual(2);
    expect(await here.app.platform.database.read.get("select count(*) as n from budgets_account")).toEqual({ n: 0 });
    const euros = await go(here, "One", { limits: { maxCost: { amount: "1", currency: "EUR" } } });
    expect(euros).toMatchObject({ __typename: "InvalidInputError" });
  });

  it("refuse a model without a price where that is forbidden, before it is asked", async () => {
    await using here = await world({ config: { unknownPrice: "forbidden" } });
    await agent(here, { name: "Rat", model: "lab/rat" });
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    expect(await play(here, { target: { agent: { name: "Rat" } } })).toMatchObject({
      status: "FAILED",
      failure: { code: "PRICE_UNKNOWN" },
    });
    expect(here.provider.seen).toHaveLength(0);
    expect(await play(here, { target: { agent: { name: "Listed" } } })).toMatchObject({ status: "SUCCEEDED" });
  });
});

describe("setting budgets", () => {
  it("is for admins, checks what it is given, and keeps one a scope and period", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    const good = { scope: "TENANT", onExceed: "DENY", maxCost: { amount: "1" } };
    expect(await set(here, good, ada)).toMatchObject({ code: "FORBIDDEN" });
    for (const [input, path] of [
      [{ maxCost: null }, "maxCost"],
      [{ maxCost: { amount: "1.x" } }, "amount"],
      [{ maxCost: { amount: "1", currency: "EUR" } }, "currency"],
      [{ maxCost: { amount: "99999999" } }, "amount"],
      [{ tokenLimit: -1 }, "tokenLimit"],
      [{ period: "PT1S" }, "period"],
      [{ period: "P1D", timeZone: "Mars/Olympus" }, "timeZone"],
      [{ period: "P2D", timeZone: "UTC" }, "period"],
      [{ scopeId: mole }, "scopeId"],
      [{ scope: "AGENT" }, "scopeId"],
    ] as const) {
      const refused = await set(here, { ...good, ...input });
      expect(refused, JSON.stringify(refused)).toMatchObject({ code: "INVALID_INPUT" });
      expect(JSON.stringify(refused)).toContain(path);
    }
    expect(await set(here, { ...good, scope: "AGENT", scopeId: me(here, ada) })).toMatchObject({ code: "NOT_FOUND" });
    expect(await set(here, { ...good, scope: "AGENT", scopeId: mole }, stranger)).toMatchObject({ code: "NOT_FOUND" });
    const first = await budget(here, { maxCost: { amount: "1" }, period: "P1M", timeZone: "Europe/Berlin" });
    expect(first).toMatchObject({
      period: "P30D",
      timeZone: "Europe/Berlin",
      resetsAt: expect.any(String) as string,
      maxCost: { amount: "1" },
    });
    const again = await budget(here, { maxCost: { amount: "2.5" }, period: "P30D", timeZone: "Europe/Berlin" });
    expect(again).toMatchObject({ id: first.id, maxCost: { amount: "2.5" } });
    const forever = await budget(here, { tokenLimit: 5 });
    expect(forever).toMatchObject({ period: null, resetsAt: null, maxCost: null, tokenLimit: 5 });
    expect(await set(here, { ...good, id: forever.id, period: "P30D" })).toMatchObject({ __typename: "ConflictError" });
    expect(await read(here, first.id, stranger)).toBeNull();
    expect(await set(here, { ...good, id: first.id }, stranger)).toMatchObject({ code: "NOT_FOUND" });
    const remove = (viewer: Viewer): Promise<unknown> =>
      here.app.graphql(
        `mutation ($b: ID!) { removeBudget(budget: $b) { __typename ... on RemoveBudgetPayload { deletedBudgetId } ... on UserError { code } } }`,
        { b: forever.id },
        viewer,
      );
    expect(await remove(ada)).toMatchObject({ removeBudget: { code: "FORBIDDEN" } });
    expect(await remove(stranger)).toMatchObject({ removeBudget: { code: "NOT_FOUND" } });
    expect(await remove(root)).toMatchObject({ removeBudget: { deletedBudgetId: forever.id } });
    expect(await remove(root)).toMatchObject({ removeBudget: { code: "NOT_FOUND" } });
  });
});
