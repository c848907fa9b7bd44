import { setTimeout as sleep } from "node:timers/promises";
import { WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { claimNext, record } from "./deliveries.ts";
import { attempt } from "./send.ts";
import { mayBeSent, Turns, type Place } from "./turns.ts";

const system = { reader: "SYSTEM", reach: "MINE" } as const;
/** The longest that the timer waits, so that no clock that was set keeps a delivery for long, in milliseconds. */
const longestWaitMs = 60_000;
const retryMs = 1_000;

/** A webhook that is being sent to. */
interface Lane {
  readonly place: Place;
  readonly done: Promise<void>;
}

/** Sends what is due: to each address one delivery at a time, to several addresses at once, which take turns where there are more. */
export class Dispatcher {
  readonly #host: WebhooksHost;
  readonly #stopped = new AbortController();
  /** Webhooks that are being sent to. */
  readonly #lanes = new Map<string, Lane>();
  readonly #turns: Turns;
  /** Whether others may wait for a lane. */
  #crowded = false;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: WebhooksHost) {
    this.#host = host;
    this.#turns = new Turns(host.database);
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
    const taken = this.#places();
    const { places, crowded, free } = await this.#host.database.commit(({ sql }) => this.#turns.choose(sql.now, taken), "webhooks.look");
    this.#crowded = crowded;
    for (const place of places) this.#lanes.set(place.id, { place, done: this.#drainLane(place.id) });
    // What is due meanwhile is looked at when a lane ends.
    if (free > 0) await this.#waitForNext();
  }

  #places(): readonly Place[] {
    return [...this.#lanes.values()].map(({ place }) => place);
  }

  async #drainLane(id: string): Promise<void> {
    await this.#drain(id);
    this.#lanes.delete(id);
    this.wake();
  }

  /** Sends what is due to one address, oldest first; one delivery alone where others wait for the lane. */
  async #drain(webhookId: string): Promise<void> {
    const { signal } = this.#stopped;
    try {
      while (!signal.aborted) {
        const next = await claimNext(this.#host, webhookId);
        if (!next) return;
        await record(this.#host, next, await attempt(this.#host, next.webhook, next.delivery, signal));
        if (this.#crowded) return;
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
    const others = mayBeSent("w", this.#places());
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
