import type { Tx } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import { globalId } from "../graphql/ids.ts";
import type { Scope } from "../graphql/scope.ts";
import { countBytes } from "./append.ts";
import { forkCheckpoint } from "./checkpoint-store.ts";
import { stepsFormat } from "./checkpoints.ts";
import { runTargets, threadResolver, type ForkFrom, type RetryFrom } from "./contract.ts";
import { Checkpoint } from "./entities/checkpoint.ts";
import { Run, type RunSettings } from "./entities/run.ts";
import { startRun, type StartHost } from "./start.ts";
import { isTerminal } from "./types.ts";
import { inputOf } from "./values/rows.ts";

/**
 * A new run of the same target, at the same version, with the same input. What lets no new run start lets none be repeated: a target that
 * takes no runs now, an archived thread; and the thread's settings are those of now.
 *
 * @param from one of the run's checkpoints: the new run starts with the state at it; or one of its nodes: what does not come behind it is taken over.
 */
export async function retryRun(host: StartHost, scope: Scope, tx: Tx, runId: string, from: RetryFrom = {}): Promise<Run> {
  const path = ["input", "run"];
  const run = await tx.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path });
  if (!isTerminal(run.status))
    throw new WeftlineError("CONFLICT", { message: `The run is ${run.status}; only a finished run can be retried.`, path });
  await scope.contributions(runTargets).get(run.targetType)?.value.admit?.(scope, run.targetId, path);
  const checkpoint = from.checkpoint === undefined ? undefined : await checkpointIn(tx, run, from.checkpoint);
  const keys = await forkOf(scope, run, { checkpoint, node: from.node });
  const thread = run.threadId == null ? undefined : await scope.use(threadResolver).find(scope, globalId("Thread", run.threadId), path);
  const input = await inputOf(tx.sql, run);
  const retried = await startRun(host, scope, tx, {
    targetType: run.targetType,
    target: { id: run.targetId, name: run.targetName, ...(run.targetVersion == null ? {} : { version: run.targetVersion }) },
    trigger: "RETRY",
    retryOfId: run.id,
    ...(thread ? { thread: { id: thread.id, streamNum: thread.streamNum }, regeneratesId: run.id } : {}),
    ...(input?.text === undefined ? {} : { text: input.text }),
    ...(input?.data === undefined ? {} : { input: input.data }),
    ...(run.metadata == null ? {} : { metadata: run.metadata }),
    limits: run.limits,
    settings: { ...ownSettings(run.settings), ...thread?.settings, ...(keys ? { replays: { runId: run.id, keys } } : {}) },
  });
  if (checkpoint && !keys) {
    const bytes = await forkCheckpoint(tx.sql, checkpoint, retried);
    await countBytes(tx.sql, retried.streamNum, bytes);
    tx.afterCommit(() => host.quota.add(retried, bytes));
  }
  return retried;
}

/** Keys of the steps that a retry takes over; nothing where it begins at the beginning, or with a copy of a framework's state. */
async function forkOf(
  scope: Scope,
  run: Run,
  { checkpoint, node }: { readonly checkpoint?: Checkpoint | undefined; readonly node?: string | undefined },
): Promise<readonly string[] | undefined> {
  const isOfSteps = checkpoint?.format === stepsFormat;
  const from: ForkFrom | undefined = node !== undefined ? { node } : isOfSteps && checkpoint ? { checkpoint } : undefined;
  if (!from) return undefined;
  const type = scope.contributions(runTargets).get(run.targetType)?.value;
  if (type?.fork) return type.fork(run, from);
  const path = ["input", "fromNode"];
  const message = "Only a run of a workflow has nodes.";
  throw new WeftlineError("INVALID_INPUT", { message, path, issues: [{ path, message }] });
}

function ownSettings(settings: RunSettings): RunSettings {
  const { replays: _, undoes: __, traceparent: ___, ...others } = settings;
  return others;
}

/** Of a part of the run alone nothing can start. */
async function checkpointIn(tx: Tx, run: Run, id: string): Promise<Checkpoint> {
  const checkpoint = await tx.em.findOne(Checkpoint, { id, runId: run.id, namespace: "" });
  if (!checkpoint) throw new WeftlineError("NOT_FOUND", { what: "checkpoint of this run", path: ["input", "checkpoint"] });
  return checkpoint;
}
