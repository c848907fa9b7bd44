import { v7 as newId } from "uuid";
import { globalId, type RunNotice, type RunOutbox } from "#weftline";
import { Webhook } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import type { WebhookEvent } from "../types.ts";

const eventOfStatus: Readonly<Record<string, WebhookEvent>> = {
  SUCCEEDED: "RUN_SUCCEEDED",
  FAILED: "RUN_FAILED",
  EXPIRED: "RUN_FAILED",
  CANCELLED: "RUN_CANCELLED",
};

/** Whose webhooks may want to be told. Whoever is missing has none; whoever is here may have none any more. */
export class Listeners {
  readonly #owners = new Set<string>();

  add({ tenantId, ownerId }: { readonly tenantId: string; readonly ownerId: string }): void {
    this.#owners.add(JSON.stringify([tenantId, ownerId]));
  }

  has({ tenantId, ownerId }: { readonly tenantId: string; readonly ownerId: string }): boolean {
    return this.#owners.size > 0 && this.#owners.has(JSON.stringify([tenantId, ownerId]));
  }

  /** Those of the database. */
  async load({ database }: Pick<WebhooksHost, "database">): Promise<void> {
    const rows = await database.rows.all(Webhook, { reader: "SYSTEM", reach: "MINE" }, { where: "e.enabled = 1", params: [] });
    for (const row of rows) this.add(row);
  }
}

/** Writes a delivery for each webhook that wants an event, in the transaction of the event. Runs below others are told of by their root alone, but for budgets. */
export function createOutbox({ wake }: Pick<WebhooksHost, "wake">, listeners: Listeners): RunOutbox {
  return {
    note(tx, notice) {
      const { run, status, interrupt, at } = notice;
      if (!listeners.has(run)) return undefined;
      const told = interrupt !== undefined || run.parentId === null;
      const event = interrupt === undefined ? eventOfStatus[status ?? ""] : "INTERRUPT_RAISED";
      const events = [...(event && told ? [event] : []), ...(notice.budget ? (["BUDGET_EXCEEDED"] as const) : [])];
      return events.length === 0
        ? undefined
        : writeAll(
            tx,
            events.map((each) => ({ event: each, at, body: bodyOf(each, notice), run })),
            wake,
          );
    },
  };
}

interface Message extends Pick<RunNotice, "at" | "run"> {
  readonly event: WebhookEvent;
  readonly body: string;
}

async function writeAll(tx: Parameters<RunOutbox["note"]>[0], messages: readonly Message[], wake: () => void): Promise<void> {
  for (const message of messages) await write(tx, message, wake);
}

async function write(
  { sql, afterCommit }: Parameters<RunOutbox["note"]>[0],
  { event, at, body, run }: Message,
  wake: () => void,
): Promise<void> {
  // The id stands in what is signed, which dots divide.
  const written = await sql.run(
    `insert into webhooks_delivery (id, tenant_id, owner_id, webhook_id, event, body, status, attempts, tries, created_at, next_attempt_at)
     select 'msg_' || ? || '_' || id, tenant_id, owner_id, id, ?, ?, 'PENDING', 0, 0, ?, ${sql.now} from webhooks_webhook
     where tenant_id = ? and owner_id = ? and enabled = 1 and events like ?`,
    newId(),
    event,
    body,
    at,
    run.tenantId,
    run.ownerId,
    `%"${event}"%`,
  );
  if (written > 0) afterCommit(wake);
}

/** Ids, type, status and time: what a run was told and said stays here, and is read with credentials. */
function bodyOf(event: WebhookEvent, { run, status, interrupt, at }: RunNotice): string {
  const data = {
    run: globalId("Run", run.id),
    ...(run.threadId === null ? {} : { thread: globalId("Thread", run.threadId) }),
    ...(status === undefined ? {} : { status }),
    ...(interrupt === undefined ? {} : { interrupt: globalId("Interrupt", interrupt) }),
  };
  return JSON.stringify({ type: event, timestamp: new Date(at).toISOString(), data });
}
