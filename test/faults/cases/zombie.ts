import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, SqlTx } from "../../../src/core/database/database.ts";
import type { Sql } from "../../../src/core/database/sql.ts";
import { UncaughtErrors } from "../../../src/core/process/uncaught-errors.ts";
import { EmbeddedEngine } from "../../../src/core/runs/engine.ts";
import { RunCounters } from "../../../src/core/runs/figures.ts";
import { Hub } from "../../../src/core/runs/hub.ts";
import { ProviderFailures } from "../../../src/core/runs/provider-failures.ts";
import { StallWatch } from "../../../src/core/runs/stall-watch.ts";
import { StorageQuota } from "../../../src/core/runs/storage-quota.ts";
import { ToolGates } from "../../../src/core/runs/tool-gates.ts";
import { LogWriter } from "../../../src/core/runs/writer.ts";
import { runCase } from "../case.ts";
import { openHaunted, type Haunted } from "../haunted.ts";
import { violationsOf } from "../invariants.ts";
import { pause } from "../server.ts";

const leaseMs = 400;

/** A gate that everything an engine writes goes through: shut, the engine is frozen as a stopped process is. */
function createGate() {
  let open: Promise<void> = Promise.resolve();
  let lift = (): void => undefined;
  let looks: Promise<void> = open;
  let letLook = (): void => undefined;
  return {
    /** An engine that wakes writes before it looks whether its leases are still its own: only the fence is in its way. */
    pass: (name: string) => (name === "renew" ? looks : open),
    shut() {
      open = new Promise((resolve) => (lift = resolve));
      looks = new Promise((resolve) => (letLook = resolve));
    },
    lift: () => lift(),
    letLook: () => letLook(),
  };
}

const fenceOfAppends = "and exists (select 1 from runs_run where id = ? and epoch = ?)";
const fenceOfCheckpoints = "select epoch from runs_run where id = ?";
/** The epoch of a run that was claimed once. */
const firstEpoch = 1;

/** The fences taken out: neither an append nor a checkpoint asks any longer whose run it is. */
function unfenced(sql: Sql): Sql {
  return {
    now: sql.now,
    all: (text, ...params) => sql.all(text, ...params),
    run: (text, ...params) => sql.run(text, ...params),
    get: async <Row>(text: string, ...params: (string | number | null)[]): Promise<Row | undefined> => {
      if (text === fenceOfCheckpoints) return { epoch: firstEpoch } as Row;
      if (text.includes(fenceOfAppends)) return sql.get<Row>(text.replace(fenceOfAppends, ""), ...params.slice(0, -2));
      return sql.get<Row>(text, ...params);
    },
  };
}

type Fence = "on" | "off";

/** Two engines on one store. One is frozen past its lease and woken when the other has done its work. */
async function haunt(what: keyof typeof openHaunted, runs: number, fence: Fence) {
  const host: Haunted = await openHaunted[what]();
  await host.engine.stop(0);

  const { folder } = host;
  const { database } = host.platform;
  const lookup = host.platform.kernel.registry;
  const gate = createGate();
  const gated = {
    read: database.read,
    rows: database.rows,
    em: database.em.bind(database),
    commit: async <T>(work: (tx: SqlTx) => Promise<T>, name: string): Promise<T> => {
      await gate.pass(name);
      return database.commit((tx) => work(fence === "on" ? tx : { ...tx, sql: unfenced(tx.sql) }), name);
    },
  } as unknown as Database;
  let refusals = 0;
  const engineOf = (on: Database): EmbeddedEngine => {
    const warn = (detail: { readonly code?: string }): void => void (refusals += detail.code === "RUN_FENCED" ? 1 : 0);
    const log = { ...silent, warn, child: () => silent } as never;
    const counters = new RunCounters();
    const writer = new LogWriter(on, new Hub(), {
      outboxes: new Map(),
      ring: () => undefined,
      ringIn: () => undefined,
      wake: () => undefined,
      committed: () => undefined,
      counters,
    });
    return new EmbeddedEngine(
      {
        database: on,
        writer,
        log,
        lookup,
        gates: new ToolGates(),
        uncaught: new UncaughtErrors(log),
        providers: new ProviderFailures(log),
        signals: undefined as never,
        advanceBelow: async () => undefined,
        stalls: new StallWatch(tmpdir(), 5_000),
        counters,
        quota: new StorageQuota(on, () => ({ runBytes: Infinity, storedBytesPerViewer: Infinity, storedBytesPerTenant: Infinity })),
      },
      { concurrency: 100, leaseMs, sweepMs: 100, stallMs: 5_000 },
    );
  };

  const zombie = engineOf(gated);
  await zombie.start("join");
  const started = await Promise.all(Array.from({ length: runs }, (_, n) => host.start(n)));
  await zombie.sweep();
  // What it would begin after that is refused by its ids as well; what it is about to say or to end, by the fence alone.
  await underWay(database, host.underWay, runs);
  gate.shut();
  const living = engineOf(database);
  await living.start("join");
  await pause(leaseMs + 300);
  const takenOver = living.active;
  gate.lift();
  const ends = [];
  for (const id of started) ends.push(await ended(database, id));
  gate.letLook();
  await pause(300);
  await living.stop(1_000);
  await zombie.stop(1_000);
  const takeovers = ends.filter(({ takeovers: lost }) => lost > 0).length;
  await host.platform.close();
  const violations = violationsOf(join(folder, "weftline.db"), "end");
  violations.push(...ends.flatMap(({ status }) => (status === "SUCCEEDED" ? [] : [`a run is ${status}`])));
  rmSync(folder, { recursive: true, force: true });
  return { takenOver, takeovers, refusals, violations };
}

/** Waits until each run has come to an event of this kind. */
async function underWay({ read }: Database, kind: string, runs: number): Promise<void> {
  const sql = "select count(distinct stream_num) as n from runs_event where kind = ?";
  for (let tries = 0; tries < 1_000 && ((await read.get<{ n: number }>(sql, kind))?.n ?? 0) < runs; tries++) await pause(5);
}

interface End {
  readonly status: string;
  readonly takeovers: number;
}

/** How a run stands when it has ended, or when it should have. */
async function ended({ read }: Database, id: string): Promise<End> {
  for (let tries = 0; ; tries++) {
    const row = await read.get<End & { finished_at: number | null }>(
      "select status, takeovers, finished_at from runs_run where id = ?",
      id,
    );
    if (row && (row.finished_at !== null || tries > 1_000)) return row;
    await pause(10);
  }
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A process that was stopped past its lease wakes up: what it still wants to write is refused. Without the fence the log is spoilt. */
await runCase("zombie", async ({ size }) => {
  const runs = size === "whole" ? 50 : 5;
  const agents = await compare("agents", runs);
  const workflows = await compare("workflows", runs);
  return { runs, agents, workflows, ok: agents.ok && workflows.ok };
});

async function compare(what: keyof typeof openHaunted, runs: number) {
  const fenced = await haunt(what, runs, "on");
  const control = await haunt(what, runs, "off");
  return {
    takenOver: fenced.takeovers,
    refusals: fenced.refusals,
    violations: fenced.violations.length,
    ...(fenced.violations.length > 0 ? { first: fenced.violations.slice(0, 5) } : {}),
    controlRefusals: control.refusals,
    controlViolations: control.violations.length,
    ok: fenced.takeovers === runs && fenced.refusals > 0 && fenced.violations.length === 0 && control.violations.length > 0,
  };
}
