import { v7 } from "uuid";
import { idempotently, Message, WeftlineError, type Scope, type Tx } from "#weftline";
import type { Thread } from "../../entities.ts";
import type { ChatDeps } from "../deps.ts";
import type { ForkThread } from "../requests.ts";
import { findThread, insertThread, threadIn } from "../threads.ts";
import { copyMessages } from "./copy.ts";
import { beginFork, discardFork, endFork, type UnfinishedFork } from "./unfinished.ts";

/** How many messages are found at once. */
const placesAtOnce = 1_000;
/** How many messages one commit copies at most: others write in between. */
const mostAtOnce = 32;
/** What a commit copies, about, in characters. */
const charactersAtOnce = 1_000_000;

/**
 * Copies a thread up to a message, which may be one that another answer replaced, into a new one. It is copied by batches into a log that nobody
 * sees: the thread itself is there with the last of them, or not at all.
 *
 * @throws NOT_FOUND, or a conflict while a message of that part is being written.
 */
export async function forkThread(deps: ChatDeps, scope: Scope, request: ForkThread): Promise<Thread> {
  const keyed = { mutation: "forkThread", key: request.idempotencyKey, body: request, path: ["idempotencyKey"] };
  const earlier = await earlierFork(scope, keyed);
  if (earlier !== undefined) return findThread(scope, earlier);
  const places = await placesUpTo(scope, request);
  const fork = await scope.write((tx) => beginFork(deps, scope, tx, v7()), "chat.beginFork");
  try {
    await copyAll(deps, scope, { fork, places, request });
    const { thread } = await idempotently(scope, keyed, async (tx) => {
      const { title, agentId, historyLimit, historyTokens, retention, simulatedAllowed, metadata } = await threadIn(tx, request.thread);
      const fields = {
        title,
        agentId,
        historyLimit,
        historyTokens,
        retention,
        simulatedAllowed,
        metadata,
        forkedFromMessageId: request.at,
      };
      await endFork(tx, fork);
      return { thread: (await insertThread(deps, scope, tx, fields, fork)).id };
    });
    // Another request with the same key came first.
    if (thread !== fork.id) await discardFork(deps, fork);
    return await findThread(scope, thread);
  } catch (error) {
    // Where that fails, too, the next start does it.
    await discardFork(deps, fork).catch(() => undefined);
    throw error;
  }
}

/** The fork that an earlier request with the same key made. */
async function earlierFork(scope: Scope, keyed: Parameters<typeof idempotently>[1]): Promise<string | undefined> {
  if (keyed.key == null) return undefined;
  const none = new Error("no earlier fork");
  try {
    return (await idempotently(scope, { ...keyed, name: "chat.findFork" }, () => Promise.reject<{ thread: string }>(none))).thread;
  } catch (error) {
    if (error !== none) throw error;
    return undefined;
  }
}

/** Where the messages to copy stand in the thread. What is written or replaced after this is not part of the fork. */
async function placesUpTo(scope: Scope, { thread: threadId, at }: ForkThread): Promise<number[]> {
  const places: number[] = [];
  for (let after = 0; ;) {
    const page = await scope.write((tx) => placesAfter(tx, { threadId, at, after }), "chat.forkPlaces");
    if (page.some(({ status }) => status === "STREAMING")) throw stillWritten();
    for (const { startSeq } of page) places.push(startSeq);
    after = places.at(-1) ?? 0;
    if (page.length < placesAtOnce) return places;
  }
}

async function placesAfter(
  tx: Tx,
  { threadId, at, after }: { readonly threadId: string; readonly at: string; readonly after: number },
): Promise<readonly Pick<Message, "startSeq" | "status">[]> {
  const { streamNum } = await threadIn(tx, threadId);
  const last = await tx.em.findOne(Message, { id: at, streamNum, threadId }, { fields: ["startSeq"] });
  if (!last) throw new WeftlineError("NOT_FOUND", { what: "message in this thread", path: ["at"] });
  const startSeq = { $gt: after, $lte: last.startSeq };
  // The fork has summaries of its own.
  return tx.em.find(
    Message,
    { streamNum, threadId, startSeq, summarizesTurnSeq: null, $or: [{ supersededById: null }, { id: at }] },
    { fields: ["startSeq", "status"], orderBy: { startSeq: "asc" }, limit: placesAtOnce },
  );
}

function stillWritten(): WeftlineError {
  return new WeftlineError("BUSY", {
    message: "A message of that part is still being written.",
    fix: "Wait for it, or fork at an earlier message.",
    path: ["at"],
  });
}

interface CopyTask {
  readonly fork: UnfinishedFork;
  readonly places: readonly number[];
  readonly request: ForkThread;
}

/** As many at once as have a size that others can wait for. */
async function copyAll(deps: ChatDeps, scope: Scope, { fork, places, request }: CopyTask): Promise<void> {
  let count = mostAtOnce;
  for (let at = 0; at < places.length;) {
    const startSeq = { $in: places.slice(at, at + count) };
    const characters = await scope.write(async (tx) => {
      const { id: threadId, streamNum } = await threadIn(tx, request.thread);
      const messages = await tx.em.find(Message, { streamNum, threadId, startSeq }, { orderBy: { startSeq: "asc" } });
      // The thread was cleared meanwhile.
      if (messages.length < startSeq.$in.length) throw new WeftlineError("NOT_FOUND", { what: "message in this thread", path: ["at"] });
      return copyMessages(deps, tx, fork, messages);
    }, "chat.forkPage");
    at += startSeq.$in.length;
    const perMessage = Math.max(1, characters / startSeq.$in.length);
    count = Math.min(mostAtOnce, count * 2, Math.max(1, Math.floor(charactersAtOnce / perMessage)));
  }
}
