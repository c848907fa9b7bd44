import { WeftlineError, hasRole, type Scope, type Tx } from "#weftline";
import { Thread } from "../entities.ts";
import { announce, type ChatDeps } from "./deps.ts";
import type { UpdateThread } from "./requests.ts";
import { appendChanges } from "./threads.ts";

/** @throws LEGAL_HOLD */
export async function refuseHeld({ holds }: ChatDeps, tx: Tx, { id }: Thread): Promise<void> {
  if ((await holds.among([id], tx)).has(id)) throw new WeftlineError("LEGAL_HOLD", { path: ["thread"] });
}

/**
 * Holds a thread of the tenant, or lets it go: for admins, whoever owns it. Owners see it and cannot lift it.
 *
 * @throws FORBIDDEN; NOT_FOUND
 */
export async function changeHold(deps: ChatDeps, scope: Scope, { thread: id, legalHold }: UpdateThread): Promise<Thread> {
  const path = ["input", "legalHold"];
  if (!hasRole(scope.viewer, "admin")) throw new WeftlineError("FORBIDDEN", { path });
  const held = legalHold === true ? "HELD" : "FREE";
  const find = (): Promise<Thread | null> => scope.emWith("TENANT").findOne(Thread, { id });
  const missing = (): never => {
    throw new WeftlineError("NOT_FOUND", { what: "thread", path: ["input", "thread"] });
  };
  const thread = (await find()) ?? missing();
  await scope.write(async (tx) => {
    const isHeld = (await deps.holds.among([id], tx)).has(id);
    if (isHeld === (held === "HELD")) return;
    await deps.holds.set(tx, id, held);
    await appendChanges(deps, tx, thread, ["UPDATED"]);
    announce(deps, tx, thread, "UPDATED");
    const { tenantId, actorId } = scope.viewer;
    tx.afterCommit(() =>
      scope.log.info({ audit: { tenantId, actorId, threadId: id, legalHold: held } }, "the legal hold of a thread was changed"),
    );
  }, "chat.legalHold");
  return (await find()) ?? missing();
}
