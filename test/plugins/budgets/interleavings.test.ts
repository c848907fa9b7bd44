import { describe, expect, it } from "vitest";
import { databaseService, modelMeter, type AdmittedCall, type Database, type MeterNote, type ModelMeter } from "#weftline";
import { budget, localId } from "./desk.ts";
import { ada, agent, play, root, world, type World } from "./world.ts";

/** Numbers by chance, the same for the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface RunRow {
  readonly id: string;
  readonly tenantId: string;
  readonly epoch: number;
}

const maxNanos = 20_000_000;
const maxTokens = 60_000;

/** Breaks wherever spent and reserved pass the limit, at the end of every commit that there is. */
function watched(database: Database, ids: readonly string[]): { readonly broken: string[]; commits: number } {
  const seen = { broken: [] as string[], commits: 0 };
  const sqlText = `select id, nanos, held_nanos, input + output as tokens, held_input + held_output as held_tokens, held_calls, lifted_nanos, lifted_tokens
    from budgets_account where budget_id in (${ids.map(() => "?").join(", ")})`;
  database.watchCommits({
    committing: async (sql) => {
      seen.commits++;
      for (const row of await sql.all<Record<string, number>>(sqlText, ...ids)) {
        const { nanos = 0, held_nanos: held = 0, tokens = 0, held_tokens: heldTokens = 0, held_calls: calls = 0 } = row;
        if (nanos + held > maxNanos || tokens + heldTokens > maxTokens || held < 0 || heldTokens < 0 || calls < 0)
          seen.broken.push(JSON.stringify(row));
      }
    },
    committed: () => undefined,
    closing: async () => undefined,
  });
  return seen;
}

async function runRow({ app }: World, id: string): Promise<RunRow> {
  const row = await app.platform.database.read.get<RunRow>(
    'select id, tenant_id as "tenantId", epoch from runs_run where id = ?',
    localId(id),
  );
  return row as RunRow;
}

const body = (text: string): string => JSON.stringify({ model: "mole", messages: [{ role: "user", content: text }], stream: true });

describe("reserving, settling, releasing and losing calls in any order", () => {
  it.each([1, 2, 3, 4, 5, 6])("never passes a limit at any commit, and leaves nothing reserved (%i)", async (seed) => {
    await using here = await world();
    const below = chance(seed * 7_919);
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    const runs: RunRow[] = [];
    for (let at = 0; at < 4; at++) runs.push(await runRow(here, (await play(here, { target: { agent: { name: "Mole" } } })).id));
    // Runs that have ended are given back their epochs and are at work again, as far as the meter knows.
    const budgets = [
      await budget(here, { maxCost: { amount: "0.02" }, tokenLimit: maxTokens }),
      await budget(here, { scope: "AGENT", scopeId: mole, maxCost: { amount: "0.02" }, tokenLimit: maxTokens }),
    ];
    const ids = budgets.map(({ id }) => localId(id));
    const { database } = here.app.platform;
    const seen = watched(database, ids);
    const scope = here.app.platform.scope(root);
    let meter: ModelMeter = scope.use(modelMeter);
    const open: { readonly run: RunRow; readonly admitted: AdmittedCall }[] = [];
    const binding = {
      id: "own",
      provider: "own",
      model: "mole",
      provenance: "LIVE",
      api: "chat",
      baseURL: here.provider.baseURL,
      apiKey: () => "",
      timeoutMs: 1,
    } as const;

    const admit = async (): Promise<void> => {
      const run = runs[below(runs.length)] as RunRow;
      const request = {
        run: { ...run, parentId: null, limits: {} },
        binding,
        url: `${here.provider.baseURL}/chat/completions`,
        body: body("x".repeat(below(4_000))),
        approvals: [],
      };
      const admitted = await meter.admit(request as never)?.catch((error: unknown) => {
        expect(error).toMatchObject({ code: expect.stringMatching(/BUDGET_EXCEEDED|RUN_FENCED/) as string });
      });
      if (admitted) open.push({ run, admitted });
    };
    const settle = async (): Promise<void> => {
      const [each] = open.splice(below(Math.max(1, open.length)), 1);
      if (!each) return;
      const used = { inputTokens: below(each.admitted.inputTokens + 1), outputTokens: below(17) };
      const cost = meter.priceOf({ provider: "own", model: "mole", ...used });
      const usage = { provider: "own", model: "mole", ...used, ...(cost ? { cost } : {}) };
      const note: MeterNote = { kind: "called", run: each.run, call: each.admitted.call, usage };
      await database.commit(async (tx) => meter.settle(tx, [note]), "test.settle");
    };
    const release = async (): Promise<void> => {
      const [each] = open.splice(below(Math.max(1, open.length)), 1);
      if (each) await meter.release(each.admitted.call);
    };
    const rest = async (): Promise<void> => {
      const run = runs[below(runs.length)] as RunRow;
      for (let at = open.length - 1; at >= 0; at--) if (open[at]?.run.id === run.id) open.splice(at, 1);
      await database.commit(async (tx) => meter.settle(tx, [{ kind: "rests", run }]), "test.rest");
    };
    /** Another process takes a run over: its epoch goes up, and the old one's calls are nobody's. */
    const takeOver = async (): Promise<void> => {
      const at = below(runs.length);
      const run = runs[at] as RunRow;
      runs[at] = { ...run, epoch: run.epoch + 1 };
      await database.commit(({ sql }) => sql.run("update runs_run set epoch = ? where id = ?", run.epoch + 1, run.id), "test.takeOver");
    };

    for (let step = 0; step < 80; step++) {
      const works = [admit, admit, admit, settle, settle, release, rest, takeOver];
      const one = works[below(works.length)] as () => Promise<void>;
      const two = works[below(works.length)] as () => Promise<void>;
      if (step % 2 === 0) await one().then(two);
      else await Promise.all([one(), two()]);
    }
    expect(seen.broken).toEqual([]);
    expect(seen.commits).toBeGreaterThan(20);

    // The process is lost with all that is under way.
    await here.app.restart();
    meter = here.app.platform.scope(root).use(modelMeter);
    const after = await here.app.platform
      .scope(ada)
      .use(databaseService)
      .read.all<Record<string, number>>(
        `select nanos, held_nanos, held_calls, held_input, held_output, input + output as tokens from budgets_account where budget_id in (?, ?)`,
        ...ids,
      );
    expect(after).toHaveLength(2);
    for (const row of after) {
      expect(row).toMatchObject({ held_nanos: 0, held_calls: 0, held_input: 0, held_output: 0 });
      expect(row["nanos"]).toBeLessThanOrEqual(maxNanos);
      expect(row["tokens"]).toBeLessThanOrEqual(maxTokens);
    }
  });
});
