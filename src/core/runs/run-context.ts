import type { Database } from "../database/database.ts";
import type { Logger } from "../kernel/spec.ts";
import type { Cast } from "./cast.ts";
import { checkpointsOf } from "./checkpoint-store.ts";
import type { Run } from "./entities/run.ts";
import type { Questions } from "./questions.ts";
import type { RunContext } from "./runtime.ts";
import type { RunSession } from "./session.ts";
import type { ToolCalls } from "./tool-calls.ts";

const defaultMaxSteps = 50;

/** What a turn asks of tools and of people. */
export interface TurnAsks {
  readonly toolCalls: ToolCalls;
  readonly questions: Questions;
}

/** What an adapter is handed for one turn. */
export function contextOf(
  host: { readonly database: Database; readonly log: Logger },
  run: Run,
  session: RunSession,
  cast: Cast,
  { toolCalls, questions }: TurnAsks,
  signal: AbortSignal,
): RunContext {
  return {
    runId: run.id,
    threadId: run.threadId ?? undefined,
    signal,
    log: host.log.child({ runId: run.id }),
    model: cast.model,
    tools: cast.tools,
    limits: { maxSteps: run.limits.maxSteps ?? defaultMaxSteps },
    toolRequested: ({ callId, name, message, part }) => toolCalls.requested(callId, name, { message, part }),
    toolArguments: (callId, delta) => toolCalls.arguments(callId, delta),
    callTools: (calls) => toolCalls.run(calls),
    ask: (question) => questions.ask(question),
    checkpoints: checkpointsOf(host.database, run, session),
  };
}
