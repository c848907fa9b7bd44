import {
  Actor,
  ListScope,
  Message,
  Run,
  actorOf,
  connectionType,
  listRuns,
  loadRow,
  localIdOrNothing,
  nodeType,
  pageArgs,
  type GraphBuilder,
  type Scope,
} from "#weftline";
import { Agent } from "#plugins/agents";
import { Activity, Thread, chatService } from "../contract.ts";
import { openStatuses } from "../service/activity/activities.ts";
import { reachOf, seesContent } from "../service/reach.ts";
import { loadThread, loadThreads } from "./load.ts";

/** `Thread`, its settings, and the queries for it. */
export function addThread(builder: GraphBuilder): void {
  const ThreadConfig = builder.objectRef<Thread>("ThreadConfig").implement({
    description: "Settings of a thread.",
    fields: (t) => ({
      historyLimit: t.exposeInt("historyLimit", {
        nullable: false,
        description: "How many messages the agent is shown. Where there are more, a summary takes the place of the first ones.",
      }),
      historyTokens: t.exposeInt("historyTokens", {
        description: "How many tokens of history the agent is shown, as estimated; null for the server's default.",
      }),
      retention: t.field({
        type: "Duration",
        description: "How long messages are kept where the plugin retention is there; null for ever.",
        resolve: (thread) => thread.retention,
      }),
      simulatedAllowed: t.exposeBoolean("simulatedAllowed", { nullable: false, description: "Whether a simulated model may answer." }),
      metadata: t.field({
        type: "JSON",
        nullable: false,
        description: "What its owner keeps with it.",
        resolve: (thread, _, scope) => (seesContent(scope, thread) ? thread.metadata : {}),
      }),
    }),
  });
  const MessageConnection = connectionType(builder, "Message", Message);
  const RunConnection = connectionType(builder, "Run", Run);

  nodeType(builder, Thread, {
    name: "Thread",
    description: "A conversation with one owner.",
    ownership: { rule: "PRIVATE", admins: "STATUS" },
    load: loadThreads,
    fields: (t) => ({
      title: t.string({
        description: "Its title.",
        resolve: (thread, _, scope) => (seesContent(scope, thread) ? (thread.title ?? null) : null),
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Whose it is.",
        resolve: (thread, _, scope) => actorOf(scope, thread.ownerId),
      }),
      agent: t.field({
        type: Agent,
        description: "Who answers in it.",
        resolve: (thread, _, scope) => loadRow(scope, Agent, thread.agentId),
      }),
      config: t.field({ type: ThreadConfig, nullable: false, description: "Its settings.", resolve: (thread) => thread }),
      messages: t.field({
        type: MessageConnection,
        description: "Its messages, oldest first whichever way the pages go. Without arguments the last 20.",
        args: {
          ...pageArgs(t),
          superseded: t.arg.boolean({ defaultValue: false, description: "Also answers that another one replaced." }),
        },
        resolve: (thread, { superseded, ...args }, scope) =>
          scope.use(chatService).messages(scope, thread, superseded ? "all" : "current", args) as never,
      }),
      lastSeq: t.exposeInt("lastSeq", {
        nullable: false,
        description: "Follow from here with threadEvents(after): nothing that this object does not show is left out.",
      }),
      runs: t.field({
        type: RunConnection,
        description: "Its runs, newest first.",
        args: pageArgs(t),
        resolve: (thread, args, scope) => listRuns(scope, { reach: reachOf(scope), where: { threadId: thread.id } }, args) as never,
      }),
      activeRun: t.field({
        type: Run,
        description: "The oldest of its open runs.",
        resolve: (thread, _, scope) => activeRun(scope, thread.id),
      }),
      forkedFrom: t.field({
        type: Message,
        description: "The last message that was copied, where it was forked from another thread.",
        resolve: (thread, _, scope) => loadRow(scope, Message, thread.forkedFromMessageId),
      }),
      activity: t.field({
        type: [Activity],
        nullable: false,
        description: "Who is there, who types and what agents are at, at this moment.",
        resolve: (thread, _, scope) => (seesContent(scope, thread) ? scope.use(chatService).activity(scope, thread) : []),
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: (thread) => thread.createdAt }),
      updatedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was changed or written to last.",
        resolve: (thread) => thread.updatedAt,
      }),
      legalHold: t.boolean({
        nullable: false,
        description: "Whether nothing of it may be removed, by a policy or by hand. Admins set and lift it.",
        resolve: ({ held }) => held === 1,
      }),
      archived: t.exposeBoolean("archived", { nullable: false, description: "Whether it is put away." }),
    }),
  });
  addQueries(builder);
}

function addQueries(builder: GraphBuilder): void {
  const ThreadConnection = connectionType(builder, "Thread", Thread);
  builder.queryFields((t) => ({
    threads: t.field({
      type: ThreadConnection,
      description: "Threads, those that changed last first.",
      args: {
        scope: t.arg({
          type: ListScope,
          defaultValue: "MINE",
          description: "Whose; TENANT is for admins, who see titles and messages only with the role audit.",
        }),
        agent: t.arg.id({ description: "Only those in which this agent answers." }),
        search: t.arg.string({ description: "Only those whose title holds this." }),
        archived: t.arg.boolean({ defaultValue: false, description: "Only those that are put away, or only the others; null for both." }),
        ...pageArgs(t),
      },
      resolve: (_, { scope: whose, agent, search, archived, ...args }, scope) => {
        // What is no agent's id matches nothing.
        const agentId = agent == null ? undefined : (localIdOrNothing("Agent", String(agent)) ?? "");
        return scope.use(chatService).list(scope, { reach: whose ?? "MINE", agentId, search, archived }, args) as never;
      },
    }),
    thread: t.field({
      type: Thread,
      description: "A thread by its id; null where it does not exist or belongs to another.",
      args: { id: t.arg.id({ required: true, description: "The thread's id." }) },
      resolve: (_, { id }, scope) => loadThread(scope, localIdOrNothing("Thread", String(id))),
    }),
  }));
}

/** Batched, since lists of threads ask for it. */
async function activeRun(scope: Scope, threadId: string): Promise<Run | null> {
  const run = await scope.load(activeRun, threadId, async (ids) => {
    const status = { $in: [...openStatuses] };
    const runs = await scope
      .emWith(reachOf(scope))
      .find(Run, { threadId: { $in: [...ids] }, parentId: null, status, finishedAt: null }, { orderBy: { startSeq: "asc" } });
    return ids.map((id) => runs.find((each) => each.threadId === id));
  });
  return run ?? null;
}
