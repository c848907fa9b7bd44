import type { BaseStore, Item, ListNamespacesOperation, Operation, PutOperation, SearchOperation } from "@langchain/langgraph-checkpoint";
import { v7 as newId } from "uuid";
import { Run, type Database, type Viewer } from "#weftline";
import { LangGraphItem } from "./entities.ts";
import type { LangGraphSdk } from "./sdk.ts";

/** Between the labels of a namespace: LangGraph lets no label hold one. */
const dot = ".";

/**
 * LangGraph's store over the platform's database: what graphs of a run's owner remember, whatever the run, and nobody else's. A search by words is
 * not ranked: items are found by their namespace and filter, newest first.
 */
export function createStore(sdk: Pick<LangGraphSdk, "checkpointing">, database: Database, runId: string): BaseStore {
  let owning: Promise<Viewer> | undefined;

  class PlatformStore extends sdk.checkpointing.BaseStore {
    override async batch(operations: Operation[]): Promise<never> {
      const owner = await (owning ??= ownerOf(database, runId));
      const results = await Promise.all(
        operations.map((operation) => ("value" in operation ? undefined : read(database, owner, operation))),
      );
      const puts = operations.filter((operation): operation is PutOperation => "value" in operation);
      if (puts.length > 0) await write(database, owner, puts);
      return results as never;
    }
  }
  return new PlatformStore();
}

/** What a graph stores is read and written as the run's owner, with no more rights than its own. */
async function ownerOf(database: Database, runId: string): Promise<Viewer> {
  const { tenantId, ownerId } = await database.em("SYSTEM").findOneOrFail(Run, { id: runId });
  return { tenantId, actorId: ownerId, name: ownerId, roles: [] };
}

type ReadOperation = Exclude<Operation, PutOperation>;

async function read(database: Database, owner: Viewer, operation: ReadOperation): Promise<unknown> {
  if ("namespacePrefix" in operation) return search(database, owner, operation);
  if (!("key" in operation)) return namespaces(database, owner, operation);
  const { namespace, key } = operation;
  const item = await database.em(owner).findOne(LangGraphItem, { namespace: namespace.join(dot), key });
  return item && toItem(item);
}

async function search(
  database: Database,
  owner: Viewer,
  { namespacePrefix, filter = {}, limit = 10, offset = 0 }: SearchOperation,
): Promise<Item[]> {
  const all = await database.em(owner).find(LangGraphItem, {}, { orderBy: { updatedAt: "desc", id: "desc" } });
  const items = all.map(toItem).filter(({ namespace, value }) => {
    const within = namespacePrefix.every((label, at) => namespace[at] === label);
    return within && Object.entries(filter).every(([name, wanted]) => matches(value[name], wanted));
  });
  return items.slice(offset, offset + limit);
}

async function namespaces(
  database: Database,
  owner: Viewer,
  { matchConditions = [], maxDepth = Number.POSITIVE_INFINITY, limit, offset }: ListNamespacesOperation,
): Promise<string[][]> {
  const all = await database.em(owner).find(LangGraphItem, {}, { orderBy: { namespace: "asc" }, fields: ["namespace"] });
  const matching = all
    .map(({ namespace }) => namespace.split(dot))
    .filter((labels) =>
      matchConditions.every(({ matchType, path }) => {
        const part = matchType === "prefix" ? labels.slice(0, path.length) : labels.slice(-path.length);
        return part.length === path.length && path.every((wanted, at) => wanted === "*" || wanted === part[at]);
      }),
    )
    .map((labels) => labels.slice(0, maxDepth).join(dot));
  return [...new Set(matching)].slice(offset, offset + limit).map((namespace) => namespace.split(dot));
}

async function write(database: Database, owner: Viewer, puts: readonly PutOperation[]): Promise<void> {
  await database.write(owner, async ({ em }) => {
    for (const { namespace, key, value } of puts) {
      const place = { namespace: namespace.join(dot), key };
      const known = await em.findOne(LangGraphItem, place);
      const now = Date.now();
      if (value === null) {
        if (known) em.remove(known);
      } else if (known) Object.assign(known, { value, updatedAt: now });
      else {
        const { tenantId, actorId: ownerId } = owner;
        em.persist(em.create(LangGraphItem, { id: newId(), tenantId, ownerId, ...place, value, createdAt: now, updatedAt: now }));
      }
      await em.flush();
    }
  });
}

function toItem({ namespace, key, value, createdAt, updatedAt }: LangGraphItem): Item {
  return { namespace: namespace.split(dot), key, value, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}

const comparisons: Readonly<Record<string, (value: never, wanted: never) => boolean>> = {
  $eq: (value, wanted) => value === wanted,
  $ne: (value, wanted) => value !== wanted,
  $gt: (value, wanted) => value > wanted,
  $gte: (value, wanted) => value >= wanted,
  $lt: (value, wanted) => value < wanted,
  $lte: (value, wanted) => value <= wanted,
};

/** @param wanted a value, or comparisons with some, as in `{ $gte: 3 }`. */
function matches(value: unknown, wanted: unknown): boolean {
  const terms = typeof wanted === "object" && wanted !== null ? Object.entries(wanted) : [];
  if (terms.length > 0 && terms.every(([name]) => name in comparisons))
    return terms.every(([name, other]) => comparisons[name]?.(value as never, other as never));
  return JSON.stringify(value) === JSON.stringify(wanted);
}
