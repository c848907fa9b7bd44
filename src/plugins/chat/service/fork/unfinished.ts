import { Message, WeftlineError, type Logger, type Scope, type Tx } from "#weftline";
import { Fork } from "../../entities.ts";
import type { ChatDeps } from "../deps.ts";

/** Messages that one commit deletes. */
const atOnce = 200;

/** A fork whose messages are being copied: a thread that nobody sees yet. */
export interface UnfinishedFork {
  readonly id: string;
  readonly tenantId: string;
  readonly streamNum: number;
}

/** Opens the log of a fork, and notes it: whatever becomes of this process, it is found again. */
export async function beginFork({ streams }: ChatDeps, { viewer }: Scope, tx: Tx, id: string): Promise<UnfinishedFork> {
  const { tenantId, actorId: ownerId } = viewer;
  const { num: streamNum } = await streams.open(tx, { id, kind: "THREAD", tenantId, ownerId });
  await tx.insert(Fork, { id, tenantId, ownerId, streamNum });
  return { id, tenantId, streamNum };
}

/** The fork is a thread now. */
export async function endFork({ em }: Tx, { id }: UnfinishedFork): Promise<void> {
  if ((await em.nativeDelete(Fork, { id })) > 0) return;
  throw new WeftlineError("UNAVAILABLE", { what: "The fork", reason: "it was discarded while it was copied.", fix: "Fork again." });
}

/** Deletes what was copied, by batches; not what has become a thread. */
export async function discardFork(
  { database, streams, purgers }: ChatDeps,
  { id: threadId, tenantId, streamNum }: UnfinishedFork,
): Promise<void> {
  for (let deleted = atOnce; deleted === atOnce;) {
    deleted = await database.write(
      "SYSTEM",
      async (tx) => {
        if (!(await tx.em.findOne(Fork, { id: threadId }))) return 0;
        const page = await tx.em.find(Message, { streamNum }, { fields: ["id"], limit: atOnce });
        return tx.em.nativeDelete(Message, { id: { $in: page.map(({ id }) => id) } });
      },
      "chat.discardPage",
    );
  }
  await database.write(
    "SYSTEM",
    async (tx) => {
      const left = await tx.em.findOne(Fork, { id: threadId });
      if (!left) return;
      for (const { value } of purgers.values()) await value.purge(tx, { threadId, runIds: [], tenantId });
      await streams.delete(tx, streamNum);
      tx.em.remove(left);
    },
    "chat.discardFork",
  );
}

/** Forks that a lost process left. Call it before any can begin. */
export function leftForks({ database }: ChatDeps): Promise<UnfinishedFork[]> {
  return database.em("SYSTEM").find(Fork, {});
}

/** One that cannot be deleted keeps no other; it is tried again at the next start. */
export async function sweepForks(deps: ChatDeps, forks: readonly UnfinishedFork[], log: Logger): Promise<void> {
  for (const fork of forks) {
    await discardFork(deps, fork).catch((error: unknown) =>
      log.error({ id: fork.id, err: error }, "an unfinished fork could not be deleted"),
    );
  }
}
