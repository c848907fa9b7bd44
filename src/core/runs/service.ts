import type { Database } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { cancelTree } from "./cancel.ts";
import { stateAt } from "./checkpoint-store.ts";
import type { RunService } from "./contract.ts";
import { decideInterrupt, type DecisionHost } from "./decide.ts";
import { Run } from "./entities/run.ts";
import { pauseRun, resumeRun, type PauseHost } from "./pause/pause.ts";
import type { ProviderFailures } from "./provider-failures.ts";
import { retryRun } from "./retry.ts";
import { signalRun } from "./signals/signal.ts";
import { answerMessage, startRun, type StartHost } from "./start.ts";
import { askAgain } from "./withdraw.ts";
import { callContent, inputOf } from "./values/rows.ts";

/** What the service needs beyond the log. */
export type ServiceHost = StartHost & DecisionHost & PauseHost & { readonly database: Database; readonly providers: ProviderFailures };

export function createRunService(host: ServiceHost): RunService {
  return {
    start: (scope, tx, request) => startRun(host, scope, tx, request),
    answer: (scope, tx, request, message) => answerMessage(host, scope, tx, request, message),
    cancel: (scope, runId, reason) => cancelRun(host, scope, runId, reason),
    cancelIn: (tx, run, reason) => cancelTree(host, tx, run.id, reason),
    retry: (scope, tx, runId, from) => retryRun(host, scope, tx, runId, from),
    failingProviders: () => host.providers.failing(),
    decide: (scope, decision) => decideInterrupt(host, scope, decision),
    signal: (tx, runId, signal) => signalRun(host, tx, runId, signal),
    pause: (scope, runId) => pauseRun(host, scope, runId),
    resume: (scope, runId) => resumeRun(host, scope, runId),
    budgetChanged: (tenantId, budgetId) => askAgain(host, tenantId, `budget/${budgetId}/`),
    find: findRun,
    inputOf: async (tx, run) => {
      const { text, data } = (await inputOf(tx.sql, run)) ?? {};
      return { ...(text === undefined ? {} : { text }), ...(data === undefined ? {} : { input: data }) };
    },
    callContent: (tx, call) => callContent(tx.sql, call),
    stateAt: (checkpoint) => stateAt(host.database, checkpoint),
    openRuns: (scope, threadId) =>
      scope.em.find(
        Run,
        { threadId, status: { $in: ["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING"] }, finishedAt: null },
        { orderBy: { startSeq: "asc" } },
      ),
  };
}

async function findRun(scope: Scope, runId: string): Promise<Run> {
  const run = await scope.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  return run;
}

async function cancelRun(host: ServiceHost, scope: Scope, runId: string, reason: string | undefined): Promise<Run> {
  await findCancellable(scope, runId);
  await scope.write(async (tx) => {
    await cancelTree(host, tx, runId, reason);
  }, "cancel");
  scope.renew();
  return findCancellable(scope, runId);
}

/** Admins may cancel what they may not read. */
async function findCancellable(scope: Scope, runId: string): Promise<Run> {
  const em = scope.viewer.roles.includes("admin") ? scope.emWith("TENANT") : scope.em;
  const run = await em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  return run;
}
