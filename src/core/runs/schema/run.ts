import type { GraphBuilder } from "../../graphql/builder.ts";
import { connectionType, pageArgs, pageOf } from "../../graphql/connections.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Actor, actorOf } from "../../host/actors.ts";
import { Provenance } from "../../host/types.ts";
import { Checkpoint } from "../entities/checkpoint.ts";
import { Interrupt } from "../entities/message.ts";
import { Run, Step } from "../entities/run.ts";
import { RunEvent } from "../event-types.ts";
import type { RunFailure } from "../events.ts";
import { fixOf } from "../failure.ts";
import { noUsage } from "../usage.ts";
import { RunStatus, RunTrigger, StepKind, StepStatus } from "../types.ts";
import { loadOne, loadRuns, reachOf, seesContent, seesRun } from "./access.ts";
import { eventsOf } from "./run-events.ts";
import { listRuns } from "./run-list.ts";
import { RunTarget, runTargetOf } from "./targets.ts";
import { UsageView, usageOfRun } from "./usage.ts";
import { shownValue } from "./values.ts";

/** References that other types of runs use. */
export interface RunRefs {
  readonly failure: ReturnType<typeof addRunFailure>;
  readonly progress: ReturnType<typeof addRunProgress>;
}

export function addRun(builder: GraphBuilder): RunRefs {
  const failure = addRunFailure(builder);
  const progress = addRunProgress(builder);
  nodeType(builder, Run, {
    name: "Run",
    description:
      "One execution of an agent, a workflow or another target. provenance is null before the first model call, SIMULATED if any answer was. " +
      "A final status stays: a retry is a new run. Who may decide an interrupt of it without owning it sees its id, status and target.",
    ownership: { rule: "PRIVATE", admins: "STATUS", approvers: "STATUS" },
    load: loadRuns,
    fields: (t) => ({
      seq: t.exposeInt("seq", {
        nullable: false,
        description: "The last event folded into it; apply an event only if its seq is greater.",
      }),
      status: t.field({ type: RunStatus, nullable: false, description: "Where it stands.", resolve: (run) => run.status }),
      target: t.field({
        type: RunTarget,
        description: "What it runs; null where that is gone.",
        resolve: (run, _, scope) => runTargetOf(scope, run),
      }),
      targetName: t.exposeString("targetName", { nullable: false, description: "The target's name when the run was started." }),
      targetVersion: t.int({
        description: "The target's version, which the run keeps to.",
        resolve: ifSeen((run) => run.targetVersion ?? null),
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Whose it is.",
        resolve: (run, _, scope) => actorOf(scope, run.ownerId),
      }),
      trigger: t.field({ type: RunTrigger, nullable: false, description: "What started it.", resolve: (run) => run.trigger }),
      provenance: t.field({
        type: Provenance,
        description: "Where its answers come from.",
        resolve: ifSeen((run) => run.provenance ?? null),
      }),
      parent: t.field({
        type: Run,
        description: "The run that started it.",
        resolve: (run, _, scope) => loadOne<Run>(scope, loadRuns, run.parentId),
      }),
      root: t.field({
        type: Run,
        nullable: false,
        description: "The run at the top; itself where no other run started it.",
        resolve: async (run, _, scope) => (run.rootId === run.id ? run : ((await loadOne<Run>(scope, loadRuns, run.rootId)) ?? run)),
      }),
      retryOf: t.field({
        type: Run,
        description: "The run that it repeats.",
        resolve: (run, _, scope) => loadOne<Run>(scope, loadRuns, run.retryOfId),
      }),
      blockedBy: t.field({
        type: Run,
        description: "The run that it is queued behind.",
        resolve: (run, _, scope) => loadOne<Run>(scope, loadRuns, run.blockedById),
      }),
      children: t.field({
        type: connectionType(builder, "Run", Run),
        description: "The runs that it started, oldest first.",
        args: pageArgs(t),
        resolve: (run, args, scope) =>
          listRuns(scope, { reach: reachOf(scope), where: { parentId: run.id }, from: "oldest" }, args) as never,
      }),
      input: t.field({
        type: "JSON",
        description:
          "What it was given: the input, or the text; an object of both where both were given. Null where a message of its thread is all.",
        resolve: (run, _, scope) => (seesContent(scope, run) ? inputOf(scope, run) : null),
      }),
      output: t.field({
        type: "JSON",
        description: "What came of it.",
        resolve: (run, _, scope) => (seesContent(scope, run) ? shownValue(scope, run.id, run.output, run.outputRefs) : null),
      }),
      text: t.string({
        description: "Its last answer.",
        resolve: (run, _, scope) => (seesContent(scope, run) ? textOf(scope, run) : null),
      }),
      failure: t.field({ type: failure, description: "Why it did not succeed.", resolve: (run, _, scope) => failureOf(scope, run) }),
      metadata: t.field({
        type: "JSON",
        nullable: false,
        description: "What its caller keeps with it, as startRun was given it.",
        resolve: (run, _, scope) => (seesContent(scope, run) ? (run.metadata ?? {}) : {}),
      }),
      usage: t.field({
        type: UsageView,
        nullable: false,
        description: "Its model calls so far, without those of runs below it; none for who may only decide what it asks.",
        resolve: (run, _, scope) => (seesRun(scope, run) ? usageOfRun(scope, run) : new UsageView(noUsage)),
      }),
      steps: t.field({
        type: connectionType(builder, "Step", Step),
        description: "Its steps, oldest first.",
        args: {
          kind: t.arg({ type: [StepKind], description: "Of one of these kinds." }),
          status: t.arg({ type: [StepStatus], description: "In one of these states." }),
          ...pageArgs(t),
        },
        resolve: (run, { kind, status, ...args }, scope) => {
          const where = { runId: run.id, ...(kind ? { kind: { $in: kind } } : {}), ...(status ? { status: { $in: status } } : {}) };
          return pageOf(scope.emWith(reachOf(scope)), Step, where, args, { num: "asc" }) as never;
        },
      }),
      events: t.field({
        type: [RunEvent],
        description: "Its own events in order, as far as the log keeps them; the deltas of finished messages go after a while.",
        args: {
          after: t.arg.int({ description: "Only events after this seq." }),
          first: t.arg.int({ defaultValue: 100, description: "How many at most, up to 1,000." }),
        },
        resolve: (run, args, scope) => eventsOf(scope, run, args) as never,
      }),
      lastSeq: t.int({
        nullable: false,
        description: "Follow from here with runEvents(after): nothing that this object does not show is left out.",
        resolve: (run, _, scope) => (seesRun(scope, run) ? run.lastSeq : run.seq),
      }),
      interrupts: t.field({
        type: connectionType(builder, "Interrupt", Interrupt),
        description: "What it asked people, newest first.",
        args: pageArgs(t),
        resolve: (run, args, scope) =>
          pageOf(scope.emWith(reachOf(scope)), Interrupt, { runId: run.id }, args, { createdAt: "desc", id: "desc" }) as never,
      }),
      checkpoints: t.field({
        type: connectionType(builder, "Checkpoint", Checkpoint),
        description: "The states that its framework kept, newest first; retryRun starts from one of them.",
        args: pageArgs(t),
        resolve: (run, args, scope) =>
          pageOf(scope.emWith(reachOf(scope)), Checkpoint, { runId: run.id, namespace: "" }, args, { num: "desc" }) as never,
      }),
      progress: t.field({ type: progress, description: "How far it says it is.", resolve: ifSeen(progressOf) }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was asked for.", resolve: (run) => run.createdAt }),
      startedAt: t.field({
        type: "DateTime",
        description: "When a worker first took it.",
        resolve: ifSeen((run) => run.startedAt ?? null),
      }),
      finishedAt: t.field({ type: "DateTime", description: "When it ended.", resolve: ifSeen((run) => run.finishedAt ?? null) }),
      durationMs: t.float({
        description: "From its start to its end, in milliseconds; null before its end.",
        resolve: ifSeen(({ startedAt, finishedAt }) => (startedAt == null || finishedAt == null ? null : finishedAt - startedAt)),
      }),
    }),
  });
  return { failure, progress };
}

function addRunFailure(builder: GraphBuilder) {
  return builder.objectRef<RunFailure>("RunFailure").implement({
    description: "Why a run did not succeed.",
    fields: (t) => ({
      code: t.exposeString("code", { nullable: false, description: "For programs; docs/errors.md lists the codes." }),
      message: t.exposeString("message", { nullable: false, description: "For people." }),
      retryable: t.exposeBoolean("retryable", { nullable: false, description: "Whether the same again may succeed." }),
      plugin: t.string({ description: "The plugin at fault.", resolve: (failure) => failure.plugin ?? null }),
      fix: t.string({ description: "What to do about it, for people.", resolve: fixOf }),
    }),
  });
}

function addRunProgress(builder: GraphBuilder) {
  return builder.objectRef<{ readonly done: number; readonly total?: number | null }>("RunProgress").implement({
    description: "How far a run is, in units of its own.",
    fields: (t) => ({
      done: t.field({ type: "SafeInt", nullable: false, description: "How much is done.", resolve: ({ done }) => done }),
      total: t.field({ type: "SafeInt", description: "How much there is, where it is known.", resolve: ({ total }) => total ?? null }),
    }),
  });
}

/** A field that approvers do not see. */
function ifSeen<T>(resolve: (run: Run) => T) {
  return (run: Run, _: unknown, scope: Scope): T | null => (seesRun(scope, run) ? resolve(run) : null);
}

/** What went wrong may repeat what was said: of others, admins see the code alone, and approvers nothing. */
function failureOf(scope: Scope, run: Run): RunFailure | null {
  if (!seesRun(scope, run)) return null;
  if (run.failure == null || seesContent(scope, run)) return run.failure ?? null;
  const { fix: _, ...failure } = run.failure;
  return { ...failure, message: "Its owner sees why." };
}

async function inputOf(scope: Scope, { id, input, inputRefs }: Run): Promise<unknown> {
  const { text, data } = ((await shownValue(scope, id, input, inputRefs)) ?? {}) as { readonly text?: string; readonly data?: unknown };
  if (text !== undefined && data !== undefined) return { text, input: data };
  return data ?? text ?? null;
}

async function textOf(scope: Scope, { id, text, textRefs }: Run): Promise<string | null> {
  const whole = (await shownValue(scope, id, text, textRefs)) as string | null;
  return whole?.toWellFormed() ?? null;
}

function progressOf({ progressDone, progressTotal }: Run): { readonly done: number; readonly total: number | null } | null {
  return progressDone == null ? null : { done: progressDone, total: progressTotal ?? null };
}
