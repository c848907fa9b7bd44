import { setTimeout as sleep } from "node:timers/promises";
import { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { claimNext, record } from "./deliveries.ts";
import { attempt } from "./send.ts";

const system = { reader: "SYSTEM", reach: "MINE" } as const;
/** The most addresses that are sent to at a time. */
const mostAtOnce = 32;
/** The most of them that are one owner's, so that its slow addresses hold up nobody else's. */
const mostOfOwner = 8;
/** How many webhooks with something due are read at a time. */
const mostFound = 128;
/** The longest that the timer waits, so that no clock that was set keeps a delivery for long, in milliseconds. */
const longestWaitMs = 60_000;
const retryMs = 1_000;

/** A webhook that is being sent to. */
interface Lane {
  readonly owner: Owner;
  readonly done: Promise<void>;
}

type Owner = Pick<Webhook, "tenantId" | "ownerId">;

/** Sends what is due: to each address one delivery at a time, to several addresses at once, so that a slow one holds up no other. */
export class Dispatcher {
  readonly #host: WebhooksHost;
  readonly #stopped = new AbortController();
  /** Webhooks that are being sent to. */
  readonly #lanes = new Map<string, Lane>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: WebhooksHost) {
    this.#host = host;
  }

  /** Looks for what is due. */
  wake(): void {
    if (this.#stopped.signal.aborted) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all([...this.#lanes.values()].map(({ done }) => done));
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#stopped.signal.aborted) {
      this.#lookAgain = false;
      try {
        await this.#open();
      } catch (error) {
        this.#host.log.warn({ err: error }, "looking for webhooks to send will be tried again");
        this.#wakeIn(retryMs);
      }
    }
  }

  /** Opens lanes for webhooks with something due, and sets the timer for what is due later. */
  async #open(): Promise<void> {
    const { database } = this.#host;
    const others = this.#others("e");
    const due = await database.commit(
      ({ sql }) =>
        database.rows.all(Webhook, system, {
          where: `${others.where} and exists (select 1 from webhooks_delivery d where d.webhook_id = e.id and d.next_attempt_at <= ${sql.now})`,
          params: others.params,
          limit: mostFound,
        }),
      "webhooks.look",
    );
    for (const { id, tenantId, ownerId } of due) {
      if (this.#lanes.size >= mostAtOnce) return;
      const owner = { tenantId, ownerId };
      if (!this.#fullOwners().some((each) => isSame(each, owner))) this.#lanes.set(id, { owner, done: this.#drainLane(id) });
    }
    // Behind those of owners who have enough there may be others.
    if (due.length === mostFound) this.#lookAgain = true;
    else await this.#waitForNext();
  }

  async #drainLane(id: string): Promise<void> {
    await this.#drain(id);
    this.#lanes.delete(id);
    this.wake();
  }

  /** Owners who may not have another address sent to now. */
  #fullOwners(): readonly Owner[] {
    const owners = [...this.#lanes.values()].map(({ owner }) => owner);
    return owners.filter(
      (owner, at) =>
        owners.findIndex((each) => isSame(each, owner)) === at && owners.filter((each) => isSame(each, owner)).length >= mostOfOwner,
    );
  }

  /** Webhooks that may be sent to now, as a condition: what the others have is looked at when one of these is done. */
  #others(name: string): { readonly where: string; readonly params: readonly string[] } {
    const busy = [...this.#lanes.keys()];
    const full = this.#fullOwners();
    return {
      where: [
        `${name}.enabled = 1`,
        ...busy.map(() => `${name}.id <> ?`),
        ...full.map(() => `not (${name}.tenant_id = ? and ${name}.owner_id = ?)`),
      ].join(" and "),
      params: [...busy, ...full.flatMap(({ tenantId, ownerId }) => [tenantId, ownerId])],
    };
  }

  /** Sends what is due to one address, oldest first. */
  async #drain(webhookId: string): Promise<void> {
    const { signal } = this.#stopped;
    try {
      while (!signal.aborted) {
        const next = await claimNext(this.#host, webhookId);
        if (!next) return;
        await record(this.#host, next, await attempt(this.#host, next.webhook, next.delivery, signal));
      }
    } catch (error) {
      if (signal.aborted) return;
      // What was claimed is due again by itself.
      this.#host.log.warn({ err: error, webhookId }, "a webhook will be sent to later");
      await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  async #waitForNext(): Promise<void> {
    const { database } = this.#host;
    const others = this.#others("w");
    const [next] = await database.rows.all(WebhookDelivery, system, {
      where: `e.next_attempt_at is not null and exists (select 1 from webhooks_webhook w where w.id = e.webhook_id and ${others.where})`,
      params: others.params,
      orderBy: "e.next_attempt_at",
      limit: 1,
    });
    if (next?.nextAttemptAt != null) this.#wakeIn(Math.min(longestWaitMs, Math.max(1, next.nextAttemptAt - Date.now())));
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped.signal.aborted) this.#timer = setTimeout(() => this.wake(), ms).unref();
  }
}

function isSame(a: Owner, b: Owner): boolean {
  return a.tenantId === b.tenantId && a.ownerId === b.ownerId;
}
