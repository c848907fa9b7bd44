import { Actor, Run, actorOf, defineEnum, globalId, loadRow, perEvent, type GraphBuilder, type Scope } from "#weftline";
import { Agent } from "#plugins/agents";
import { Activity, AgentActivity, AgentPhase, PresenceActivity, TypingActivity, chatService } from "../contract.ts";
import { stillSees, threadToFollow } from "./load.ts";

/** What happens in a thread at this moment, and the subscription for it. */
export function addActivity(builder: GraphBuilder): void {
  defineEnum(builder, AgentPhase, "AgentPhase", "What an agent is at.", {
    THINKING: "It works towards an answer.",
    WRITING: "It writes.",
    CALLING_TOOL: "It waits for a tool that it called.",
    WAITING: "It waits for its turn, or for a person.",
  });
  addTypes(builder);
  builder.subscriptionField("threadActivity", (t) =>
    t.field({
      type: [Activity],
      nullable: false,
      description:
        "Typing, presence and agent phase: each event is the whole present state. Subscribing is presence. Typing lapses after 6 s unless renewed.",
      args: { thread: t.arg.id({ required: true, description: "The thread." }) },
      subscribe: async (_, { thread: id }, scope) => {
        const thread = await threadToFollow(scope, String(id));
        return perEvent(scope, await scope.use(chatService).watch(scope, thread), stillSees(scope, thread.id));
      },
      resolve: (state) => state,
    }),
  );
}

function addTypes(builder: GraphBuilder): void {
  builder.interfaceType(Activity, {
    name: "Activity",
    description: "Ephemeral: expires by itself, never stored, no seq. One presence an actor.",
    resolveType: (value) =>
      value instanceof TypingActivity ? "TypingActivity" : value instanceof PresenceActivity ? "PresenceActivity" : "AgentActivity",
    fields: (t) => ({
      actor: t.field({ type: Actor, nullable: false, description: "Who.", resolve: (activity, _, scope) => actorBehind(scope, activity) }),
      expiresAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "Until when it holds unless it is said again.",
        resolve: (activity) => activity.expiresAt,
      }),
    }),
  });
  builder.objectType(TypingActivity, { name: "TypingActivity", description: "Somebody types.", interfaces: [Activity] });
  builder.objectType(PresenceActivity, { name: "PresenceActivity", description: "Somebody has the thread open.", interfaces: [Activity] });
  builder.objectType(AgentActivity, {
    name: "AgentActivity",
    description: "An agent is at work.",
    interfaces: [Activity],
    fields: (t) => ({
      agent: t.field({ type: Agent, description: "The agent.", resolve: (activity, _, scope) => agentOf(scope, activity) }),
      phase: t.field({ type: AgentPhase, nullable: false, description: "What it is at.", resolve: (activity) => activity.phase }),
      toolName: t.exposeString("toolName", { description: "The tool that it called, in CALLING_TOOL." }),
      runId: t.id({ nullable: false, description: "The run.", resolve: (activity) => globalId("Run", activity.runId) }),
    }),
  });
}

async function actorBehind(scope: Scope, activity: Activity): Promise<Actor> {
  if (activity instanceof TypingActivity || activity instanceof PresenceActivity) return actorOf(scope, activity.actorId);
  const run = activity instanceof AgentActivity ? await loadRow(scope, Run, activity.runId) : null;
  const id = run?.targetId ?? "agent";
  return Object.assign(new Actor(), {
    tenantId: scope.viewer.tenantId,
    id,
    ownerId: id,
    name: run?.targetName ?? "Agent",
    kind: "AGENT" as const,
  });
}

async function agentOf(scope: Scope, { runId }: AgentActivity): Promise<Agent | null> {
  const run = await loadRow(scope, Run, runId);
  return run?.targetType === "Agent" ? loadRow(scope, Agent, run.targetId) : null;
}
