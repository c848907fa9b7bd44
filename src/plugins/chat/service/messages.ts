import { Message, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import type { Thread } from "../entities.ts";
import type { ChatDeps } from "./deps.ts";

const lastPage = 20;

/** Which messages of a thread are listed: those that stand, or also those that another answer replaced. */
export type MessageSelection = "current" | "all";

/**
 * Messages of a thread, oldest first whichever way the pages go; without arguments the last ones. Those that are still being written
 * show what there is of them.
 */
export async function messagesOf(deps: ChatDeps, scope: Scope, thread: Thread, selection: MessageSelection, args: PageArgs): Promise<Page<Message>> {
  const where = { streamNum: thread.streamNum, threadId: thread.id, ...(selection === "all" ? {} : { supersededById: null }) };
  const page = await pageOf(scope.em, Message, where, windowOf(args), { startSeq: "asc" });
  const messages = page.edges.map(({ node }) => node);
  if (!messages.some(({ status }) => status === "STREAMING")) return page;
  const folded = await deps.streams.fold(messages);
  return { ...page, edges: page.edges.map(({ cursor, node }, index) => ({ cursor, node: folded[index] ?? node })) };
}

function windowOf(args: PageArgs): PageArgs {
  const { first, after, last, before } = args;
  return first == null && after == null && last == null && before == null ? { last: lastPage } : args;
}
