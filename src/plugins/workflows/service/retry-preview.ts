import {
  Checkpoint,
  Run,
  Step,
  ToolCall,
  databaseService,
  loadRow,
  localIdOrNothing,
  runTargets,
  stepsSoFar,
  type ForkFrom,
  type Scope,
} from "#weftline";

/** What a retry would do again. */
export interface RetryPreview {
  /** Steps of the run that would be done again: of a workflow its nodes, of another run what is not part of another step. */
  readonly repeats: readonly Step[];
  /** Those of them that called a tool which writes or reaches outside, themselves or in a run below. */
  readonly sideEffects: readonly Step[];
}

/** Which run, and where its retry would begin. */
export interface RetryPreviewInput {
  readonly run: string;
  readonly fromNode?: string | null | undefined;
  readonly checkpoint?: string | null | undefined;
}

/** How many runs below a run are looked through. */
const maxRuns = 1_000;

/** @returns null for a run or a checkpoint that the viewer does not see. @throws INVALID_INPUT for a node that there is not. */
export async function previewRetry(scope: Scope, input: RetryPreviewInput): Promise<RetryPreview | null> {
  const run = await loadRow(scope, Run, localIdOrNothing("Run", input.run));
  if (!run) return null;
  const from = await fromOf(scope, run, input);
  if (from === null) return null;
  const kept = new Set(from ? await scope.contributions(runTargets).get(run.targetType)?.value.fork?.(run, from) : []);
  const steps = await stepsSoFar({ rows: scope.use(databaseService).rows, as: { reader: scope.viewer, reach: "MINE" } }, run);
  const repeats = unitsOf(run, steps).filter(({ key }) => !kept.has(key));
  const acted = await actedIn(scope, run);
  return { repeats, sideEffects: repeats.filter(({ key }) => acted.has(key)) };
}

async function fromOf(scope: Scope, run: Run, { fromNode, checkpoint }: RetryPreviewInput): Promise<ForkFrom | undefined | null> {
  if (fromNode != null) return { node: fromNode };
  if (checkpoint == null) return undefined;
  const found = await loadRow(scope, Checkpoint, localIdOrNothing("Checkpoint", checkpoint));
  return found?.runId === run.id ? { checkpoint: found } : null;
}

/** The last attempt at each unit that did something. What undoes others runs only where a retry fails. */
function unitsOf({ targetType }: Run, steps: readonly Step[]): readonly Step[] {
  const isNode = ({ key, nodeKey, compensatesId }: Step): boolean => nodeKey === key && compensatesId == null;
  const isUnit = (step: Step): boolean => (targetType === "Workflow" ? isNode(step) : step.parentId == null);
  const last = new Map(steps.filter(isUnit).map((step) => [step.key, step]));
  return [...last.values()].filter(({ status }) => status !== "SKIPPED");
}

/** Keys of the steps that acted, in whichever attempt; of those that were taken over, where they were done. */
async function actedIn(scope: Scope, run: Run): Promise<ReadonlySet<string>> {
  const acted = new Set<string>();
  let wanted: readonly string[] | undefined;
  for (let at: Run = run; ;) {
    const found = await keysThatActed(scope, at);
    for (const key of wanted?.filter((each) => found.has(each)) ?? found) acted.add(key);
    const { replays } = at.settings;
    if (!replays) return acted;
    const taken: ReadonlySet<string> = new Set(replays.keys);
    wanted = wanted?.filter((key) => taken.has(key)) ?? replays.keys;
    const source = await loadRow(scope, Run, replays.runId);
    // Of a run that is gone nobody knows.
    if (!source) return acted.union(new Set(wanted));
    at = source;
  }
}

/** Keys of the steps of a run in which a call of a tool with effects was begun, with those that they are part of. */
async function keysThatActed(scope: Scope, run: Run): Promise<ReadonlySet<string>> {
  const steps = await scope.rows(Step, { where: "e.run_id = ?", params: [run.id], orderBy: "e.num" });
  const above = await runsBelow(scope, run, steps);
  const ids = [run.id, ...above.keys()];
  const calls = await scope.rows(ToolCall, {
    where: `e.run_id in (${ids.map(() => "?").join(", ")}) and e.side_effects in ('WRITE', 'EXTERNAL') and e.started_at is not null`,
    params: ids,
  });
  const byId = new Map(steps.map((step) => [step.id, step]));
  const byKey = new Map(steps.map((step) => [step.key, step]));
  const acted = new Set<string>();
  for (const { runId, num } of calls) {
    const stepId = runId === run.id ? byKey.get(`tool/${num}`)?.id : above.get(runId);
    for (let step = byId.get(stepId ?? ""); step; step = byId.get(step.parentId ?? "")) acted.add(step.key);
  }
  return acted;
}

/** The runs below, each with the step of the run that started it or what is above it. */
async function runsBelow(scope: Scope, run: Run, steps: readonly Step[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map(steps.flatMap(({ id, childRunId }) => (childRunId == null ? [] : [[childRunId, id] as const])));
  let level = [...found.keys()];
  while (level.length > 0 && found.size < maxRuns) {
    const below = await scope.rows(Run, { where: `e.parent_id in (${level.map(() => "?").join(", ")})`, params: level, limit: maxRuns });
    level = [];
    for (const { id, parentId } of below) {
      const stepId = found.get(parentId ?? "");
      if (stepId === undefined || found.has(id) || id === run.id) continue;
      found.set(id, stepId);
      level.push(id);
    }
  }
  return found;
}
