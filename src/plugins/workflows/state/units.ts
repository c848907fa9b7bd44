/** How a unit stands: a node, or one item or round of it. */
export type UnitStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "SKIPPED";

/** One attempt at a unit, as the log tells it. */
export interface UnitRecord {
  /** The number of its step: attempts come in this order. */
  readonly num: number;
  readonly stepId: string;
  /** `node`, or `node/iteration`. */
  readonly key: string;
  readonly attempt: number;
  readonly status: UnitStatus;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: string | undefined;
  readonly childRunId?: string | undefined;
  /** That it stands for what another run did, whose effects stay that run's. */
  readonly replayed?: true;
  /** Whether it has a time: a failed attempt with one is tried again then. */
  readonly hasDue: boolean;
  /** In milliseconds since 1970. */
  readonly finishedAt?: number | undefined;
}

/** The units of a run, each by its key with the attempt that counts. */
export type Units = ReadonlyMap<string, UnitRecord>;

/** Statuses of which a unit comes back no more. */
const done: ReadonlySet<UnitStatus> = new Set(["SUCCEEDED", "SKIPPED"]);

/** Whether nothing that comes later changes a unit. */
export function isDone({ status }: UnitRecord): boolean {
  return done.has(status);
}

/** Whether a failed unit is tried again by itself. */
export function isRetried({ status, hasDue }: UnitRecord): boolean {
  return status === "FAILED" && hasDue;
}

/** Whether a unit is at work or comes to be at work again by itself. */
export function isOpen(unit: UnitRecord): boolean {
  return unit.status === "RUNNING" || isRetried(unit);
}

/**
 * Folds records into units, whatever their order and however often they come: of the attempts at a unit the one that is done counts, else the last.
 */
export function foldUnits(records: Iterable<UnitRecord>): Map<string, UnitRecord> {
  const units = new Map<string, UnitRecord>();
  for (const record of records) takeRecord(units, record);
  return units;
}

/** Takes one more record. */
export function takeRecord(units: Map<string, UnitRecord>, record: UnitRecord): void {
  const known = units.get(record.key);
  if (known && !supersedes(record, known)) return;
  units.set(record.key, record);
}

function supersedes(record: UnitRecord, known: UnitRecord): boolean {
  if (isDone(known) || isDone(record)) return isDone(record) && (!isDone(known) || record.num < known.num);
  if (record.num !== known.num) return record.num > known.num;
  return known.status === "RUNNING";
}

/** The key of one item or round. */
export const unitKey = (node: string, iteration: number): string => `${node}/${iteration}`;

/** The node that a unit belongs to. */
export function nodeOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}
