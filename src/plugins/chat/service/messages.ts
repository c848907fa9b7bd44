import { Message, databaseService, pageOfRows, type Page, type PageArgs, type Scope } from "#weftline";
import type { Thread } from "../entities.ts";
import type { ChatDeps } from "./deps.ts";
import { contentReachOf } from "./reach.ts";

const lastPage = 20;

/** Which messages of a thread are listed: those that stand, or also those that another answer replaced. */
export type MessageSelection = "current" | "all";

/**
 * Messages of a thread, oldest first whichever way the pages go; without arguments the last ones. Those that are still being written
 * show what there is of them.
 */
export async function messagesOf(
  deps: ChatDeps,
  scope: Scope,
  thread: Thread,
  selection: MessageSelection,
  args: PageArgs,
): Promise<Page<Message>> {
  const standing = selection === "all" ? "" : " and e.superseded_by_id is null";
  const page = await pageOfRows(
    scope,
    Message,
    {
      where: `e.stream_num = ? and e.thread_id = ?${standing}`,
      params: [thread.streamNum, thread.id],
      by: { property: "startSeq", column: "start_seq" },
      reach: contentReachOf(scope),
    },
    windowOf(args),
  );
  const open = page.edges.filter(({ node }) => node.status === "STREAMING").map(({ node }) => node.id);
  if (open.length === 0) return page;
  const folded = await foldedNow(deps, scope, open);
  return { ...page, edges: page.edges.map(({ cursor, node }) => ({ cursor, node: folded.get(node.id) ?? node })) };
}

/** Messages that are being written, each with its `seq` and its parts of one moment. */
async function foldedNow({ streams }: ChatDeps, scope: Scope, ids: readonly string[]): Promise<ReadonlyMap<string, Message>> {
  const em = scope.emWith(contentReachOf(scope));
  const find = (): Promise<Message[]> => em.find(Message, { id: { $in: [...ids] } }, { refresh: true });
  const messages = await scope.use(databaseService).still(async () => streams.fold(await find()));
  return new Map(messages.map((message) => [message.id, message]));
}

function windowOf(args: PageArgs): PageArgs {
  const { first, after, last, before } = args;
  return first == null && after == null && last == null && before == null ? { last: lastPage } : args;
}
