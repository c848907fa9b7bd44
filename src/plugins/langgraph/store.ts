import { isDeepStrictEqual } from "node:util";
import type { BaseStore, Item, ListNamespacesOperation, Operation, PutOperation, SearchOperation } from "@langchain/langgraph-checkpoint";
import { v7 as newId } from "uuid";
import { isLonger, Run, WeftlineError, type Database, type Viewer } from "#weftline";
import { LangGraphItem } from "./entities.ts";
import type { LangGraphSdk } from "./sdk.ts";

/** Between the labels of a namespace: LangGraph lets no label hold one. */
const dot = ".";

/** What a store holds at most, sizes in bytes of JSON. */
export const storeLimits = {
  valueBytes: 256 * 1024,
  /** Of all graphs of one owner. */
  items: 10_000,
  /** Of a namespace and a key together, in characters. */
  place: 1_024,
  /** Items or namespaces that one operation answers with. */
  page: 1_000,
} as const;

/** Read at once while searching, so that a search takes no more memory than that. */
const batchSize = 100;

/**
 * LangGraph's store over the platform's database: what graphs of a run's owner remember, whatever the run, and nobody else's. A search by words is
 * not ranked: items are found by their namespace and filter, newest first. What is beyond {@link storeLimits} is refused with STATE_REFUSED.
 */
export function createStore(sdk: Pick<LangGraphSdk, "checkpointing">, database: Database, runId: string): BaseStore {
  let owning: Promise<Viewer> | undefined;

  class PlatformStore extends sdk.checkpointing.BaseStore {
    override async batch(operations: Operation[]): Promise<never> {
      const puts = operations.filter(isPut);
      for (const put of puts) checkPut(put);
      const owner = await (owning ??= ownerOf(database, runId));
      const results: unknown[] = [];
      for (const operation of operations) results.push(isPut(operation) ? null : await read(database, owner, operation));
      if (puts.length > 0) await write(database, owner, puts);
      return results as never;
    }
  }
  return new PlatformStore();
}

function isPut(operation: Operation): operation is PutOperation {
  return "value" in operation;
}

function checkPut({ namespace, key, value }: PutOperation): void {
  if (namespace.length === 0 || namespace.some((label) => label === "" || label.includes(dot)))
    throw refused(`the namespace ${JSON.stringify(namespace)} of the store is not made of labels without dots`);
  if (isLonger(namespace.join(dot) + key, storeLimits.place))
    throw refused(`a namespace and key of the store have more than ${storeLimits.place} characters`);
  if (value !== null && Buffer.byteLength(JSON.stringify(value)) > storeLimits.valueBytes)
    throw refused(`"${key}" is more than the ${storeLimits.valueBytes / 1024} KiB that the store takes of one value`);
}

function refused(problem: string): WeftlineError {
  return new WeftlineError("STATE_REFUSED", { problem });
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
  const wanted = pageOf(limit);
  const found: Item[] = [];
  let passed = 0;
  for await (const item of below(database, owner, namespacePrefix)) {
    if (!Object.entries(filter).every(([name, expected]) => matches(item.value[name], expected))) continue;
    if (passed++ < offset) continue;
    if (found.push(item) >= wanted) break;
  }
  return found;
}

/** All that stands in a namespace and below it, newest first. */
async function* below(database: Database, owner: Viewer, prefix: readonly string[]): AsyncGenerator<Item> {
  const name = prefix.join(dot);
  // Not by the database: how it sorts, and so what stands between two names, is the affair of its locale.
  const isBelow = (namespace: string): boolean => name === "" || `${namespace}${dot}`.startsWith(`${name}${dot}`);
  const all = await database.em(owner).find(LangGraphItem, {}, { orderBy: { updatedAt: "desc", id: "desc" }, fields: ["id", "namespace"] });
  const rows = all.filter(({ namespace }) => isBelow(namespace));
  for (let start = 0; start < rows.length; start += batchSize) {
    const ids = rows.slice(start, start + batchSize).map(({ id }) => id);
    const items = new Map((await database.em(owner).find(LangGraphItem, { id: { $in: ids } })).map((item) => [item.id, item]));
    for (const id of ids) {
      const item = items.get(id);
      if (item) yield toItem(item);
    }
  }
}

async function namespaces(
  database: Database,
  owner: Viewer,
  { matchConditions = [], maxDepth = Number.POSITIVE_INFINITY, limit, offset }: ListNamespacesOperation,
): Promise<string[][]> {
  const rows = await database.em(owner).find(LangGraphItem, {}, { orderBy: { namespace: "asc" }, fields: ["namespace"] });
  const matching = [...new Set(rows.map(({ namespace }) => namespace))]
    .map((namespace) => namespace.split(dot))
    .filter((labels) =>
      matchConditions.every(({ matchType, path }) => {
        const part = matchType === "prefix" ? labels.slice(0, path.length) : labels.slice(-path.length);
        return part.length === path.length && path.every((wanted, at) => wanted === "*" || wanted === part[at]);
      }),
    )
    .map((labels) => labels.slice(0, maxDepth).join(dot));
  return [...new Set(matching)].slice(offset, offset + pageOf(limit)).map((namespace) => namespace.split(dot));
}

function pageOf(limit: number): number {
  if (limit > storeLimits.page) throw refused(`the store answers with ${storeLimits.page} at most, not ${limit}`);
  return limit;
}

async function write(database: Database, owner: Viewer, puts: readonly PutOperation[]): Promise<void> {
  await database.write(
    owner,
    async ({ em }) => {
      for (const { namespace, key, value } of puts) {
        const place = { namespace: namespace.join(dot), key };
        const known = await em.findOne(LangGraphItem, place);
        const now = Date.now();
        if (value === null) {
          if (known) em.remove(known);
        } else if (known) Object.assign(known, { value, updatedAt: now });
        else {
          if ((await em.count(LangGraphItem, {})) >= storeLimits.items)
            throw refused(`the store holds the ${storeLimits.items} items that it takes of one owner`);
          const { tenantId, actorId: ownerId } = owner;
          em.persist(em.create(LangGraphItem, { id: newId(), tenantId, ownerId, ...place, value, createdAt: now, updatedAt: now }));
        }
        await em.flush();
      }
    },
    "langgraph.store",
  );
}

function toItem({ namespace, key, value, createdAt, updatedAt }: LangGraphItem): Item {
  return { namespace: namespace.split(dot), key, value, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}

const comparisons: Readonly<Record<string, (value: unknown, wanted: unknown) => boolean>> = {
  $eq: (value, wanted) => value === wanted,
  $ne: (value, wanted) => value !== wanted,
  $gt: (value, wanted) => Number(value) > Number(wanted),
  $gte: (value, wanted) => Number(value) >= Number(wanted),
  $lt: (value, wanted) => Number(value) < Number(wanted),
  $lte: (value, wanted) => Number(value) <= Number(wanted),
  $in: (value, wanted) => Array.isArray(wanted) && wanted.includes(value),
  $nin: (value, wanted) => !Array.isArray(wanted) || !wanted.includes(value),
};

/** @param wanted a value, or comparisons with some, as in `{ $gte: 3 }`. */
function matches(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return value === wanted;
  const terms = Object.entries(wanted).filter(([name]) => name.startsWith("$"));
  if (terms.length === 0) return isDeepStrictEqual(value, wanted);
  return terms.every(([name, other]) => {
    const compare = comparisons[name];
    if (compare) return compare(value, other);
    throw refused(`the store has no comparison ${name}; there are ${Object.keys(comparisons).join(", ")}`);
  });
}
