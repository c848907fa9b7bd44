import type { Database } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { countBytes } from "./append.ts";
import { readValues, ValueWriter } from "./checkpoint-values.ts";
import { stepsFormat, type Checkpoints, type CheckpointWrite, type NewCheckpoint, type StoredCheckpoint } from "./checkpoints.ts";
import type { Checkpoint } from "./entities/checkpoint.ts";
import { checkpointIdOf } from "./events.ts";
import { checkOwner } from "./fence.ts";
import type { StorageQuota } from "./storage-quota.ts";
import type { ValueRefs } from "./values/refs.ts";
import { wholeValue } from "./values/rows.ts";

/** Whose checkpoints, and under which epoch they are written. */
export interface CheckpointOwner {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly epoch: number;
  readonly streamNum: number;
}

/** What of a run's session matters to its checkpoints. */
export interface CheckpointSession {
  /** What was said so far is durable. */
  flush(): Promise<void>;
  stepId(step: string): string | undefined;
  /** Counts what is written beside the log. */
  countWritten(characters: number): void;
}

/** What checkpoints need of the host. */
export interface CheckpointHost {
  readonly database: Database;
  readonly quota: StorageQuota;
}

type Row = Pick<Checkpoint, "namespace" | "name" | "format" | "versions" | "data" | "createdAt"> & { readonly parent: string | null };

/** What a row takes beside its values, about. */
const rowSize = 200;

const columns = "c.namespace, c.name, p.name as parent, c.format, c.versions, c.data, c.created_at";
const joined = "runs_checkpoint c left join runs_checkpoint p on p.id = c.parent_id and p.run_id = c.run_id";

/** A run's checkpoints, as its adapter works with them. */
export function checkpointsOf({ database, quota }: CheckpointHost, run: CheckpointOwner, session: CheckpointSession): Checkpoints {
  const { read } = database;
  const values = new ValueWriter(run.id);
  const stored = async (row: Row | undefined): Promise<StoredCheckpoint | undefined> => row && load(read, run.id, row);
  const counted = async (work: (sql: Sql) => Promise<number>): Promise<void> => {
    await database.commit(async ({ sql, afterCommit }) => {
      await checkOwner(sql, run);
      const characters = await work(sql);
      await countBytes(sql, run.streamNum, characters);
      afterCommit(() => {
        session.countWritten(characters);
        quota.add(run, characters);
      });
    }, "checkpoint");
  };
  return {
    put: async (checkpoint) => {
      await session.flush();
      const stepId = checkpoint.step === undefined ? undefined : session.stepId(checkpoint.step);
      await counted(async (sql) => {
        const row = await insert(sql, run, checkpoint, stepId);
        return row + (await values.write(sql, checkpoint));
      });
    },
    putWrites: async ({ namespace = "", checkpoint }, writes) => {
      await session.flush();
      await counted(async (sql) => {
        let characters = 0;
        for (const write of writes) characters += await insertWrite(sql, [run.id, namespace, checkpoint], write);
        return characters;
      });
    },
    get: async ({ namespace = "", id }) => {
      const where = `c.run_id = ? and c.namespace = ?${id === undefined ? "" : " and c.name = ?"}`;
      const params = id === undefined ? [run.id, namespace] : [run.id, namespace, id];
      return stored(rowOf(await read.get(`select ${columns} from ${joined} where ${where} order by c.num desc limit 1`, ...params)));
    },
    async *list({ namespace, before } = {}) {
      const rows = await read.all<Record<string, unknown>>(
        `select ${columns} from ${joined} where c.run_id = ? and (? is null or c.namespace = ?) and (? is null or c.num <
         (select max(num) from runs_checkpoint where run_id = ? and name = ? and (? is null or namespace = ?))) order by c.num desc`,
        run.id,
        namespace ?? null,
        namespace ?? null,
        before ?? null,
        run.id,
        before ?? null,
        namespace ?? null,
        namespace ?? null,
      );
      for (const row of rows) yield await load(read, run.id, rowOf(row) as Row);
    },
  };
}

/** @returns how many characters that took. */
async function insert(
  sql: Sql,
  run: Omit<CheckpointOwner, "streamNum">,
  checkpoint: NewCheckpoint,
  stepId: string | undefined,
): Promise<number> {
  const [versions, data] = [JSON.stringify(checkpoint.versions), JSON.stringify(checkpoint.data ?? null)];
  const { namespace = "", parent } = checkpoint;
  const newest = await sql.get<{ num: number | null }>("select max(num) as num from runs_checkpoint where run_id = ?", run.id);
  const num = (newest?.num ?? 0) + 1;
  const parentRow =
    parent === undefined
      ? undefined
      : await sql.get<{ id: string }>(
          "select id from runs_checkpoint where run_id = ? and namespace = ? and name = ?",
          run.id,
          namespace,
          parent,
        );
  await sql.run(
    `insert into runs_checkpoint (id, tenant_id, owner_id, run_id, num, namespace, name, parent_id, step_id, format, versions, data, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${sql.now})
     on conflict (run_id, namespace, name) do update set data = excluded.data, versions = excluded.versions`,
    checkpointIdOf(run.id, num),
    run.tenantId,
    run.ownerId,
    run.id,
    num,
    namespace,
    checkpoint.id,
    parentRow?.id ?? null,
    stepId ?? null,
    checkpoint.format,
    versions,
    data,
  );
  return rowSize + versions.length + data.length;
}

/** @returns how many characters that took. */
async function insertWrite(sql: Sql, place: readonly [string, string, string], write: CheckpointWrite): Promise<number> {
  const value = JSON.stringify(write.value ?? null);
  const onConflict = write.index < 0 ? "update set channel = excluded.channel, value = excluded.value" : "nothing";
  await sql.run(
    `insert into runs_checkpoint_write (run_id, namespace, checkpoint, task, place, channel, value) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (run_id, namespace, checkpoint, task, place) do ${onConflict}`,
    ...place,
    write.task,
    write.index,
    write.channel,
    value,
  );
  return rowSize + value.length;
}

function rowOf(row: Record<string, unknown> | undefined): Row | undefined {
  if (!row) return undefined;
  const { versions, data, created_at: createdAt, ...rest } = row;
  return { ...rest, versions: JSON.parse(String(versions)), data: JSON.parse(String(data)), createdAt } as Row;
}

async function load(sql: Sql, runId: string, row: Row): Promise<StoredCheckpoint> {
  const { namespace, name, parent, format, versions, data, createdAt } = row;
  const writes = await sql.all<{ task: string; place: number; channel: string; value: string }>(
    "select task, place, channel, value from runs_checkpoint_write where run_id = ? and namespace = ? and checkpoint = ? order by task, place",
    runId,
    namespace,
    name,
  );
  return {
    id: name,
    namespace,
    parent: parent ?? undefined,
    format,
    values: await readValues(sql, { runId, namespace }, versions),
    data,
    writes: writes.map(({ task, place, channel, value }) => ({ task, index: place, channel, value: JSON.parse(value) as unknown })),
    createdAt,
  };
}

/**
 * Lets a run begin with a copy of another's checkpoint: it stands without that run from then on.
 *
 * @returns how many characters that took.
 */
export async function forkCheckpoint(sql: Sql, from: Checkpoint, run: Omit<CheckpointOwner, "epoch" | "streamNum">): Promise<number> {
  const { namespace, name, format, versions, data } = from;
  const values = await readValues(sql, from, versions);
  const row = await insert(sql, { ...run, epoch: 0 }, { id: name, namespace, format, versions, values, data }, undefined);
  await sql.run("update runs_checkpoint set parent_id = ? where run_id = ?", from.id, run.id);
  return row + (await new ValueWriter(run.id).write(sql, { namespace, versions, values }));
}

/** The state at a checkpoint. */
export async function stateAt(
  { read }: Database,
  { runId, namespace, versions, format, stepId }: Checkpoint,
): Promise<Record<string, unknown>> {
  if (format !== stepsFormat) return readValues(read, { runId, namespace }, versions);
  const rows = await read.all<{ key: string; status: string; output: string | null; output_refs: string | null }>(
    `select s.key, s.status, s.output, s.output_refs from runs_step s join runs_step at on at.id = ? where s.run_id = ? and s.node_key is not null
     and s.iteration is null and (s.finished_at < at.finished_at or (s.finished_at = at.finished_at and s.num <= at.num)) order by s.num`,
    stepId ?? "",
    runId,
  );
  const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
  const nodes = rows.map(async ({ key, status, output, output_refs }) => {
    const whole = await wholeValue(read, runId, parsed(output), parsed(output_refs) as ValueRefs | null);
    return [key, { status, output: whole }] as const;
  });
  return { nodes: Object.fromEntries(await Promise.all(nodes)) };
}

/** Forgets the checkpoints of runs. */
export async function purgeCheckpoints(sql: Sql, runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) {
    await sql.run("delete from runs_checkpoint_write where run_id = ?", runId);
    await sql.run("delete from runs_checkpoint_value where run_id = ?", runId);
    await sql.run("delete from runs_checkpoint where run_id = ?", runId);
  }
}
