import type { AgentCast } from "./cast.ts";
import { checkpointsOf } from "./checkpoint-store.ts";
import type { RunContext } from "./runtime.ts";
import type { Stage } from "./stage.ts";

const defaultMaxSteps = 50;

/** What of a context needs no model. */
export type CommonContext = Omit<RunContext, "model" | "metered" | "toolRequested" | "toolArguments">;

/** What whatever runs is handed for one turn, a framework or a program of its own. */
export function commonContext(
  { host, run, session, toolCalls, questions, abort, drain }: Stage,
  tools: RunContext["tools"],
): CommonContext {
  const { traceparent } = host.uncaught.labels();
  return {
    runId: run.id,
    threadId: run.threadId ?? undefined,
    ...(traceparent === undefined ? {} : { traceparent }),
    owner: `${run.tenantId}/${run.ownerId}`,
    signal: abort.signal,
    drain,
    log: host.log.child({ runId: run.id }),
    tools,
    limits: { maxSteps: run.limits.maxSteps ?? defaultMaxSteps },
    callTools: (calls) => toolCalls.run(calls),
    ask: (question) => questions.ask(question),
    checkpoints: checkpointsOf(host, run, session),
  };
}

/** What an adapter is handed for one turn. */
export function contextOf(stage: Stage, { model, tools }: AgentCast): RunContext {
  const { toolCalls, meter } = stage;
  return {
    ...commonContext(stage, tools),
    model: meter.metered(model),
    metered: (binding) => meter.metered(binding),
    toolRequested: ({ callId, name, message, part }) => toolCalls.requested(callId, name, { message, part }),
    toolArguments: (callId, delta) => toolCalls.arguments(callId, delta),
  };
}
