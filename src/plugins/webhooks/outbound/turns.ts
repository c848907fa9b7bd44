import type { Database } from "#weftline";
import { Webhook } from "../entities.ts";

const system = { reader: "SYSTEM", reach: "MINE" } as const;
/** The most addresses that are sent to at a time. */
const mostAtOnce = 32;
/** The most of them that are one owner's, so that its slow addresses hold up nobody else's. */
const mostOfOwner = 8;

/** A webhook that has a place among those that are sent to. */
export type Place = Pick<Webhook, "id" | "tenantId" | "ownerId">;

type Owner = Pick<Webhook, "tenantId" | "ownerId">;

/** Who gets a place. */
export interface Chosen {
  readonly places: readonly Place[];
  /** Whether others may wait for a place; if so, each place is given up after one delivery. */
  readonly crowded: boolean;
  /** How many places are left. */
  readonly free: number;
}

/** Gives places to webhooks with something due: to the owner with the fewest first, and in turn to owners and to the webhooks of one. */
export class Turns {
  readonly #database: Database;
  #lastOwner: Owner = { tenantId: "", ownerId: "" };
  /** The last webhook of each owner that got a place, while places are short. */
  readonly #lastOf = new Map<string, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Within a write, by its clock. @param taken places that are not free now. */
  async choose(now: string, taken: readonly Place[]): Promise<Chosen> {
    const places: Place[] = [];
    const waiting: { readonly owner: Owner; readonly webhooks: Place[] }[] = [];
    const free = mostAtOnce - taken.length;
    for (const owner of free > 0 ? await this.#owners(now, taken) : [])
      waiting.push({ owner, webhooks: await this.#webhooks(now, owner, taken) });
    while (places.length < free) {
      const has = ({ owner }: { readonly owner: Owner }): number => countOf(owner, taken) + countOf(owner, places);
      const [next] = waiting.filter(({ webhooks }) => webhooks.length > 0).toSorted((a, b) => has(a) - has(b));
      const place = next?.webhooks.shift();
      if (!next || !place) break;
      places.push(place);
      this.#lastOwner = next.owner;
      this.#lastOf.set(keyOf(next.owner), place.id);
    }
    const crowded = places.length === free || fullOwners([...taken, ...places]).length > 0;
    if (!crowded) this.#lastOf.clear();
    return { places, crowded, free: free - places.length };
  }

  /** More owners than have places, in turn: one without any is among them if there is one. */
  async #owners(now: string, taken: readonly Place[]): Promise<readonly Owner[]> {
    const { tenantId, ownerId } = this.#lastOwner;
    const [own, earlier] = [mayBeSent("e", taken), mayBeSent("f", taken)];
    // One webhook for each owner.
    const first = `not exists (select 1 from webhooks_webhook f where f.tenant_id = e.tenant_id and f.owner_id = e.owner_id and f.id < e.id
       and ${earlier.where} and ${isDue("f", now)})`;
    const some = (compared: ">" | "<="): Promise<Webhook[]> =>
      this.#database.rows.all(Webhook, system, {
        where: `(e.tenant_id, e.owner_id) ${compared} (?, ?) and ${own.where} and ${isDue("e", now)} and ${first}`,
        params: [tenantId, ownerId, ...own.params, ...earlier.params],
        orderBy: "e.tenant_id, e.owner_id",
        limit: mostAtOnce + 1,
      });
    const after = await some(">");
    return after.length > mostAtOnce ? after : [...after, ...(await some("<="))];
  }

  /** Webhooks of an owner with something due, in turn. */
  async #webhooks(now: string, owner: Owner, taken: readonly Place[]): Promise<Place[]> {
    const others = mayBeSent("e", taken);
    const limit = mostOfOwner - countOf(owner, taken);
    const some = (compared: ">" | "<="): Promise<Webhook[]> =>
      this.#database.rows.all(Webhook, system, {
        where: `e.tenant_id = ? and e.owner_id = ? and e.id ${compared} ? and ${others.where} and ${isDue("e", now)}`,
        params: [owner.tenantId, owner.ownerId, this.#lastOf.get(keyOf(owner)) ?? "", ...others.params],
        orderBy: "e.id",
        limit,
      });
    const after = await some(">");
    return after.length === limit ? after : [...after, ...(await some("<="))].slice(0, limit);
  }
}

/** Webhooks that may be sent to now, as a condition: what the others have is looked at when one of these is done. */
export function mayBeSent(name: string, taken: readonly Place[]): { readonly where: string; readonly params: readonly string[] } {
  const full = fullOwners(taken);
  return {
    where: [
      `${name}.enabled = 1`,
      ...taken.map(() => `${name}.id <> ?`),
      ...full.map(() => `not (${name}.tenant_id = ? and ${name}.owner_id = ?)`),
    ].join(" and "),
    params: [...taken.map(({ id }) => id), ...full.flatMap(({ tenantId, ownerId }) => [tenantId, ownerId])],
  };
}

const isDue = (name: string, now: string): string =>
  `exists (select 1 from webhooks_delivery d where d.webhook_id = ${name}.id and d.next_attempt_at <= ${now})`;

/** Owners who may not have another address sent to now. */
function fullOwners(places: readonly Place[]): readonly Owner[] {
  const first = places.filter((owner, at) => places.findIndex((each) => isSame(each, owner)) === at);
  return first.filter((owner) => countOf(owner, places) >= mostOfOwner);
}

function countOf(owner: Owner, places: readonly Place[]): number {
  return places.filter((each) => isSame(each, owner)).length;
}

function isSame(a: Owner, b: Owner): boolean {
  return a.tenantId === b.tenantId && a.ownerId === b.ownerId;
}

function keyOf({ tenantId, ownerId }: Owner): string {
  return JSON.stringify([tenantId, ownerId]);
}
