import { isLonger } from "../../json/characters.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import { localId } from "../../graphql/ids.ts";
import { resultType } from "../../graphql/results.ts";
import type { Scope } from "../../graphql/scope.ts";
import { idempotently } from "../../host/idempotency.ts";
import { runService } from "../contract.ts";
import { Interrupt } from "../entities/message.ts";
import { Run } from "../entities/run.ts";
import { loadOne, loadRuns } from "./access.ts";
import type { DecideInterruptInput, RetryRunInput } from "./inputs.ts";
import { invalidInput } from "./limits.ts";
import { startRun, type StartRunInput } from "./start.ts";

/** The longest reason that is kept, in characters. */
const maxReason = 2_000;

export function addMutations(builder: GraphBuilder): void {
  const started = runResult(builder, "StartRun", ["conflict", "unavailable", "budget"]);
  const cancelled = runResult(builder, "CancelRun", []);
  const retried = runResult(builder, "RetryRun", ["conflict", "unavailable", "budget"]);
  builder.mutationFields((t) => ({
    startRun: t.field({
      type: started.type,
      nullable: false,
      description: "Starts a run and answers at once; follow it with runEvents. It outlives every connection.",
      args: { input: t.arg({ type: inputNamed<StartRunInput>(builder, "StartRunInput"), required: true, description: "The run." }) },
      resolve: (_, { input }, scope) => started.attempt(async () => runNow(scope, await startRun(scope, input))),
    }),
    cancelRun: t.field({
      type: cancelled.type,
      nullable: false,
      description: "Cancels a run and all below it. A finished run is returned unchanged. Admins may cancel those of their tenant.",
      args: {
        run: t.arg.id({ required: true, description: "The run." }),
        reason: t.arg.string({ description: "Why, in words." }),
      },
      resolve: (_, { run, reason }, scope) => cancelled.attempt(() => cancelRun(scope, String(run), reason)),
    }),
    retryRun: t.field({
      type: retried.type,
      nullable: false,
      description: "Starts a new run of the same target with the same input; from a checkpoint of the old run where one is named.",
      args: {
        input: t.arg({ type: inputNamed<RetryRunInput>(builder, "RetryRunInput"), required: true, description: "The run to repeat." }),
      },
      resolve: (_, { input }, scope) => retried.attempt(() => retryRun(scope, input)),
    }),
  }));
  addDecision(builder);
}

type RunErrors = NonNullable<Parameters<typeof resultType>[2]["errors"]>;

export function runResult(builder: GraphBuilder, name: string, errors: RunErrors) {
  return resultType<{ readonly run: Run }>(builder, name, {
    errors,
    fields: (t) => ({ run: t.field({ type: Run, nullable: false, description: "The run.", resolve: ({ run }) => run }) }),
  });
}

function addDecision(builder: GraphBuilder): void {
  const decided = resultType<{ readonly interrupt: Interrupt; readonly run: Run }>(builder, "DecideInterrupt", {
    errors: ["conflict", "budget"],
    fields: (t) => ({
      interrupt: t.field({
        type: Interrupt,
        nullable: false,
        description: "The interrupt, decided.",
        resolve: ({ interrupt }) => interrupt,
      }),
      run: t.field({ type: Run, nullable: false, description: "The run that waited for it.", resolve: ({ run }) => run }),
    }),
  });
  builder.mutationField("decideInterrupt", (t) =>
    t.field({
      type: decided.type,
      nullable: false,
      description: "Decides an interrupt, once.",
      args: {
        input: t.arg({
          type: inputNamed<DecideInterruptInput>(builder, "DecideInterruptInput"),
          required: true,
          description: "The decision.",
        }),
      },
      resolve: (_, { input }, scope) => decided.attempt(() => decide(scope, input)),
    }),
  );
}

/** A run as it is after a change. */
export async function runNow(scope: Scope, id: string): Promise<{ readonly run: Run }> {
  return { run: (await loadOne<Run>(scope, loadRuns, id)) ?? (await scope.use(runService).find(scope, id)) };
}

async function cancelRun(scope: Scope, id: string, reason: string | null | undefined): Promise<{ readonly run: Run }> {
  const local = localId("Run", id, ["run"]);
  checkReason(reason, ["reason"]);
  return { run: await scope.use(runService).cancel(scope, local, reason ?? undefined) };
}

async function retryRun(scope: Scope, input: RetryRunInput): Promise<{ readonly run: Run }> {
  const local = localId("Run", input.run, ["input", "run"]);
  const checkpoint = input.checkpoint == null ? undefined : localId("Checkpoint", input.checkpoint, ["input", "checkpoint"]);
  const from = { ...(checkpoint === undefined ? {} : { checkpoint }), ...(input.fromNode == null ? {} : { node: input.fromNode }) };
  if (from.checkpoint !== undefined && from.node !== undefined)
    throw invalidInput([{ path: ["input"], message: "Pass fromNode or checkpoint, not both." }]);
  const ids = await idempotently(scope, { mutation: "retryRun", key: input.idempotencyKey, body: input }, async (tx) => ({
    run: (await scope.use(runService).retry(scope, tx, local, from)).id,
  }));
  return runNow(scope, ids.run);
}

async function decide(scope: Scope, input: DecideInterruptInput): Promise<{ readonly interrupt: Interrupt; readonly run: Run }> {
  checkReason(input.reason, ["input", "reason"]);
  const interrupt = await scope.use(runService).decide(scope, {
    interruptId: localId("Interrupt", input.interrupt, ["input", "interrupt"]),
    kind: input.kind,
    ...(input.argumentsHash == null ? {} : { argumentsHash: input.argumentsHash }),
    ...(input.arguments == null ? {} : { arguments: input.arguments }),
    ...(input.payload === undefined ? {} : { payload: input.payload }),
    ...(input.reason == null ? {} : { reason: input.reason }),
  });
  return { interrupt, ...(await runNow(scope, interrupt.runId)) };
}

function checkReason(reason: string | null | undefined, path: readonly string[]): void {
  if (reason != null && isLonger(reason, maxReason)) throw invalidInput([{ path, message: `At most ${maxReason} characters.` }]);
}
