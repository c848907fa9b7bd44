/** An event of a run, as its row stands. */
export interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly run_seq: number | null;
  readonly kind: string;
  readonly payload: string;
}

/** A checkpoint of a run's graph, and the step after which it was written. */
export interface CheckpointRow {
  readonly step: number | null;
  readonly created_at: number;
}

interface Answer {
  readonly seq: number;
  readonly at: number;
  /** The key of the graph's step that gave it. */
  readonly step: string;
}

/**
 * Why a run should not have answered again: only what a graph did after its last checkpoint is done again, and only where the process was lost
 * before the next one.
 */
export function answeredAgain(run: { readonly id: string }, own: readonly EventRow[], checkpoints: readonly CheckpointRow[]): string[] {
  const found: string[] = [];
  let losses = 0;
  let last: Answer | undefined;
  for (const answer of answersOf(own)) {
    const why = last && wrongAgain(last, answer, { losses: ++losses, own, checkpoints });
    if (why) found.push(`run ${run.id}, seq ${answer.seq}: it answered again ${why}`);
    last = answer;
  }
  return found;
}

interface Circumstances {
  /** How many losses its answers need. */
  readonly losses: number;
  readonly own: readonly EventRow[];
  readonly checkpoints: readonly CheckpointRow[];
}

function wrongAgain(before: Answer, again: Answer, { losses, own, checkpoints }: Circumstances): string | undefined {
  const taken = takenUp(own).find(({ seq }) => seq > before.seq && seq < again.seq);
  if (!taken || losses > takenUp(own).length) return "though no process was lost";
  if (checkpoints.length === 0) return "though it keeps no checkpoints: what stands in the log was said";
  if (before.step !== again.step) return `in ${again.step}, after ${before.step}`;
  const number = Number(/\d+$/.exec(before.step)?.[0] ?? Number.NaN);
  const isKept = checkpoints.some(({ step, created_at: at }) => step !== null && step >= number && at <= taken.at);
  return isKept ? `though the checkpoint after ${before.step} had its answer` : undefined;
}

/** Complete messages that ask for no tool. */
function answersOf(own: readonly EventRow[]): Answer[] {
  const calling = new Set(own.flatMap((row) => (row.kind === "tool.requested" ? [read<{ m?: number }>(row).m] : [])));
  const answers: Answer[] = [];
  let step = "";
  for (const row of own) {
    const { kind, seq, at } = row;
    if (kind === "step.started") {
      const { key, stepKind } = read<{ key: string; stepKind: string }>(row);
      if (stepKind === "NODE") step = key;
    }
    if (kind !== "message.finished") continue;
    const { m, status } = read<{ m: number; status: string }>(row);
    if (status === "COMPLETE" && !calling.has(m)) answers.push({ seq, at, step });
  }
  return answers;
}

/** Where another process took the run up while it was at work, and not from a wait. */
function takenUp(own: readonly EventRow[]): EventRow[] {
  const phases = own.filter(({ kind }) => /^run\.(started|resumed|waiting)$/.test(kind));
  return phases.filter(({ kind }, index) => kind === "run.resumed" && phases[index - 1]?.kind !== "run.waiting");
}

function read<Payload>({ payload }: EventRow): Payload {
  return JSON.parse(payload) as Payload;
}
