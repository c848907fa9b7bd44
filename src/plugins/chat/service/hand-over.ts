import {
  Run,
  WeftlineError,
  idempotently,
  limitsLeft,
  type ActingScopes,
  type TenantTools,
  type ToolContext,
  type ToolDefinition,
  type Tx,
} from "#weftline";
import { announce, type ChatDeps } from "./deps.ts";
import { refuseArchived, settingsOf } from "./send.ts";
import { appendChanges, threadIn } from "./threads.ts";

/** So often a thread is handed over for one message of a user. */
const mostHandOvers = 8;

const timeoutMs = 10_000;

/** What hand-overs need besides. */
export interface HandOverDeps extends ChatDeps {
  readonly acting: ActingScopes;
}

/** Each agent of a tenant as one to hand a thread over to: `handoff.<name>`. */
export function handOverTools(deps: HandOverDeps): TenantTools {
  return {
    async resolve(name, owner) {
      const agent = await deps.agents.ofTenant(owner, name);
      if (!agent) return undefined;
      const about = agent.description?.trim() ? ` ${agent.description.trim()}` : "";
      return {
        name: `handoff.${name}`,
        description: `Hands this conversation over to the agent "${agent.name}", which sees it and answers the user from then on.${about}`,
        inputSchema: { type: "object", properties: {}, additionalProperties: false },
        sideEffects: "WRITE",
        approval: "NEVER",
        idempotent: true,
        timeoutMs,
        execute: (_: unknown, ctx) => handOver(deps, name, ctx),
      } satisfies ToolDefinition;
    },
  };
}

/** Makes another agent the thread's and has it answer next: once a run, however often its call is made. */
async function handOver(deps: HandOverDeps, name: string, ctx: ToolContext): Promise<{ readonly handedTo: string; readonly note: string }> {
  const scope = await deps.acting.ofRun({ tenantId: ctx.tenantId, actorId: ctx.ownerId });
  const [run] = await scope.rowsById(Run, [ctx.runId]);
  if (run?.threadId == null) throw refused(`There is no thread here to hand over; ask the agent with agent.${name}, where you can.`);
  const { threadId } = run;
  const agent = await deps.agents.resolve(scope, { name }, []);
  const once = { mutation: "handOver", key: run.id, body: { run: run.id } };
  const { handedTo } = await idempotently(scope, once, async (tx) => {
    if (agent.id === run.targetId) throw refused(`You are "${agent.name}" yourself.`);
    const thread = await threadIn(tx, threadId);
    refuseArchived(thread, []);
    await checkLoop(tx, threadId);
    thread.agentId = agent.id;
    thread.updatedAt = Date.now();
    await appendChanges(deps, tx, thread, ["UPDATED"]);
    await deps.runs.start(scope, tx, {
      targetType: "Agent",
      target: deps.agents.target(agent),
      trigger: "PARENT",
      thread: { id: thread.id, streamNum: thread.streamNum },
      settings: settingsOf(deps, thread),
      limits: await limitsLeft(tx.sql, run),
      latest: run.deadlineAt ?? null,
    });
    announce(deps, tx, thread, "UPDATED");
    return { handedTo: agent.id };
  });
  if (handedTo !== agent.id) throw refused("You have handed the thread over to another agent already.");
  return { handedTo: agent.name, note: `"${agent.name}" answers next and from now on. End your turn without an answer of your own.` };
}

/** Runs of a thread that another run asked for are those of hand-overs. */
async function checkLoop(tx: Tx, threadId: string): Promise<void> {
  const asked = await tx.em.findOne(
    Run,
    { threadId, trigger: { $ne: "PARENT" }, startedAt: { $ne: null } },
    { orderBy: { startSeq: "desc" }, fields: ["startSeq"] },
  );
  const since = await tx.em.count(Run, { threadId, trigger: "PARENT", startSeq: { $gt: asked?.startSeq ?? 0 } });
  if (since < mostHandOvers) return;
  throw refused(`The thread was handed over ${mostHandOvers} times since the user said something: answer yourself.`);
}

function refused(message: string): WeftlineError {
  return new WeftlineError("CONFLICT", { message });
}
