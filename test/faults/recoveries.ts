import Database from "better-sqlite3";

interface Row {
  readonly stream_num: number;
  readonly run_seq: number;
  readonly kind: string;
  readonly at: number;
}

/**
 * How long each run that was at work when its process was killed took until its next event, in milliseconds, by the log; counted from the last kill
 * before that event.
 *
 * @param killedAt when the process was killed, in milliseconds since 1970.
 */
export function recoveriesOf(file: string, killedAt: readonly number[]): number[] {
  const db = new Database(file, { readonly: true });
  const rows = db
    .prepare("select stream_num, run_seq, kind, at from runs_event where run_seq is not null order by stream_num, seq")
    .all() as Row[];
  db.close();
  return [...Map.groupBy(rows, ({ stream_num, run_seq }) => `${stream_num}/${run_seq}`).values()].flatMap((events) =>
    recoveriesIn(events, killedAt),
  );
}

function recoveriesIn(events: readonly Row[], killedAt: readonly number[]): number[] {
  const found: number[] = [];
  let isAtWork = false;
  for (const [index, { kind, at }] of events.entries()) {
    const before = events[index - 1];
    const kill = before && isAtWork ? killedAt.findLast((killed) => killed > before.at && killed <= at) : undefined;
    if (kill !== undefined) found.push(at - kill);
    if (/^run\.(started|resumed)$/.test(kind)) isAtWork = true;
    else if (/^run\.(waiting|paused|finished|failed|cancelled|expired)$/.test(kind)) isAtWork = false;
  }
  return found;
}
