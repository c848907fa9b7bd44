import { insertMany } from "../database/insert-many.ts";
import type { Sql, SqlValue } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";
import type { StorageOwner } from "./storage-quota.ts";
import { endsRun, type LoggedEvent, type NewEvent } from "./events.ts";
import type { StoredValue } from "./values/refs.ts";
import { insertValues } from "./values/rows.ts";

/** How many rows one read of the log brings. */
export const pageSize = 200;

interface EventRecord {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly payload: string;
  readonly run_id: string | null;
}

const columns = "e.seq, e.at, e.kind, e.payload, r.id as run_id";
const source = "runs_event e left join runs_run r on r.stream_num = e.stream_num and r.start_seq = e.run_seq";

function toEvent(row: EventRecord): LoggedEvent {
  const base = { seq: row.seq, at: row.at, ...readable(row) };
  return row.run_id === null ? base : { ...base, runId: row.run_id };
}

/** What stands in place of a row that cannot be read, so that it takes only itself from its readers. */
const unreadableKind = "log.unreadable";
const coreKind = /^(run|step|message|tool|interrupt|state|usage)\.|^progress$/;

function readable({ kind, payload: text }: EventRecord): Pick<LoggedEvent, "kind" | "payload"> {
  try {
    const payload: unknown = JSON.parse(text);
    const isDelta = kind === "message.delta";
    if (!coreKind.test(kind) || (typeof payload === "object" && payload !== null && Array.isArray(payload) === isDelta)) {
      return { kind, payload };
    }
  } catch {
    // It is shown as what it is.
  }
  return { kind: unreadableKind, payload: { kind } };
}

/** Rows after a seq, at most a page of them. */
export async function readEvents(sql: Sql, streamNum: number, after: number, limit = pageSize): Promise<LoggedEvent[]> {
  const rows = await sql.all<EventRecord>(
    `select ${columns} from ${source} where e.stream_num = ? and e.seq > ? order by e.seq limit ?`,
    streamNum,
    after,
    limit,
  );
  return rows.map(toEvent);
}

/** The last seq that a run can have, so that what came behind an old run is not searched. */
const lastSeq = `(select case when finished_at is null then ${Number.MAX_SAFE_INTEGER} else seq end from runs_run where stream_num = ? and start_seq = ?)`;

/** Rows of one run after a seq. `kinds` leaves out the deltas, which are most of a log. */
export async function readRunEvents(
  sql: Sql,
  run: { readonly streamNum: number; readonly startSeq: number },
  page: { readonly after: number; readonly limit: number; readonly kinds: "all" | "control" },
): Promise<LoggedEvent[]> {
  const rows = await sql.all<EventRecord>(
    `select ${columns} from ${source} where e.stream_num = ? and e.seq > ? and e.run_seq = ? and e.seq <= ${lastSeq}
     ${page.kinds === "control" ? "and e.kind <> 'message.delta'" : ""} order by e.seq limit ?`,
    run.streamNum,
    Math.max(page.after, run.startSeq - 1),
    run.startSeq,
    run.streamNum,
    run.startSeq,
    page.limit,
  );
  return rows.map(toEvent);
}

/** What is appended together to one stream. */
export interface Append {
  readonly streamNum: number;
  /** Whose events they are; absent for the stream's own. `"first"` names a run by the first of these events. */
  readonly run?: { readonly id: string; readonly startSeq: number | "first" };
  readonly events: readonly NewEvent[];
  /** The stream's own, right behind those of the run. */
  readonly behind?: readonly NewEvent[];
  /** Bytes that are written beside them: a message, an input. */
  readonly beside?: number;
  /** What stands apart of the events, and of what is written beside them. */
  readonly values?: readonly StoredValue[];
}

/** Rows as they were appended, their size in bytes with what was written beside them, and whose they are. */
export interface Appended {
  readonly owner: StorageOwner;
  readonly events: LoggedEvent[];
  readonly bytes: number;
}

/** Events with their numbers, on their way into the table. */
export interface Numbered extends Appended {
  readonly rows: readonly SqlValue[][];
}

/**
 * Appends within a transaction: raises the stream's head, which locks it, and numbers the rows densely.
 *
 * @throws PROTOCOL_VIOLATION for a payload that JSON cannot carry.
 */
export async function appendEvents(sql: Sql, append: Append): Promise<Appended> {
  const numbered = await numberEvents(sql, append);
  if (!numbered) throw new WeftlineError("NOT_FOUND", { what: "stream" });
  await insertEvents(sql, numbered.rows);
  return withValues(sql, append, numbered);
}

/**
 * Raises the stream's head and gives out its numbers; {@link insertEvents} has to follow in the same transaction.
 *
 * @param epoch of the run: under an older one than the run's own nothing is numbered.
 * @returns nothing where the stream is gone or the epoch is not the run's.
 * @throws PROTOCOL_VIOLATION for a payload that JSON cannot carry.
 */
export async function numberEvents(
  sql: Sql,
  { streamNum, run, events: own, behind = [], beside = 0 }: Append,
  epoch?: number,
): Promise<Numbered | undefined> {
  const at = Date.now();
  const events = behind.length === 0 ? own : [...own, ...behind];
  const texts = events.map(({ kind, payload }) => encode(kind, payload));
  const bytes = texts.reduce((sum, text) => sum + text.length + 40, beside);
  const compactable = events.some(({ kind }) => endsRun(kind)) ? `, compactable_at = coalesce(compactable_at, ${sql.now})` : "";
  const head =
    run === undefined || epoch === undefined
      ? await sql.get<Raised>(raiseHead(compactable, ""), events.length, bytes, streamNum)
      : await sql.get<Raised>(raiseHead(compactable, ofEpoch), events.length, bytes, streamNum, run.id, epoch);
  if (!head) return undefined;
  const first = head.head - events.length + 1;
  const runSeq = run === undefined ? null : run.startSeq === "first" ? first : run.startSeq;
  const appended: LoggedEvent[] = [];
  const rows: SqlValue[][] = [];
  for (const [index, { kind, payload, key }] of events.entries()) {
    const seq = first + index;
    const ofRun = index < own.length;
    rows.push([streamNum, seq, ofRun ? runSeq : null, at, kind, texts[index] ?? "", key ?? null]);
    appended.push(run === undefined || !ofRun ? { seq, at, kind, payload } : { seq, at, kind, payload, runId: run.id });
  }
  return { events: appended, bytes, rows, owner: { tenantId: head.tenant_id, ownerId: head.owner_id } };
}

/** Keeps what stands apart of numbered events. @returns them with what that took. */
export async function withValues(
  sql: Sql,
  { streamNum, run, values = [] }: Pick<Append, "streamNum" | "run" | "values">,
  numbered: Numbered,
): Promise<Numbered> {
  if (values.length === 0) return numbered;
  const runSeq = typeof run?.startSeq === "number" ? run.startSeq : (numbered.events[0]?.seq ?? 0);
  return { ...numbered, bytes: numbered.bytes + (await insertValues(sql, { streamNum, runSeq }, values)) };
}

interface Raised {
  readonly head: number;
  readonly tenant_id: string;
  readonly owner_id: string;
}

const ofEpoch = "and exists (select 1 from runs_run where id = ? and epoch = ?)";
const raiseHead = (set: string, and: string): string =>
  `update runs_stream set head = head + ?, bytes = bytes + ?${set} where num = ? and deleted = 0 ${and} returning head, tenant_id, owner_id`;

/** Writes numbered rows. */
export const insertEvents = insertMany(
  "insert into runs_event (stream_num, seq, run_seq, at, kind, payload, event_key) values",
  "(?, ?, ?, ?, ?, ?, ?)",
);

function encode(kind: string, payload: unknown): string {
  const text = JSON.stringify(payload);
  // JSON turns what it cannot carry into null without a word; a log must not.
  return text?.includes("null") ? JSON.stringify(payload, (name, value: unknown) => carried(kind, name, value)) : text;
}

function carried(kind: string, name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw new WeftlineError("PROTOCOL_VIOLATION", {
    plugin: "runs",
    problem: `${kind} carries ${value} in "${name}", which JSON has no word for`,
  });
}
