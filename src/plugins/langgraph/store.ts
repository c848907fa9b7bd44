import type { BaseStore, Item, ListNamespacesOperation, Operation, PutOperation, SearchOperation } from "@langchain/langgraph-checkpoint";
import { v7 as newId } from "uuid";
import { Run, type Database } from "#weftline";
import type { LangGraphSdk } from "./sdk.ts";

interface Row {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
  readonly created_at: number;
  readonly updated_at: number;
}

interface Owner {
  readonly tenantId: string;
  readonly ownerId: string;
}

/** Between the labels of a namespace: LangGraph lets no label hold one. */
const dot = ".";
const columns = "namespace, key, value, created_at, updated_at";

/**
 * LangGraph's store over the platform's database: what graphs of a run's owner remember, whatever the run, and nobody else's. A search by words is
 * not ranked: items are found by their namespace and filter, newest first.
 */
export function createStore(sdk: Pick<LangGraphSdk, "checkpointing">, database: Database, runId: string): BaseStore {
  let owning: Promise<Owner> | undefined;
  const ownerOf = (): Promise<Owner> => (owning ??= database.em("SYSTEM").findOneOrFail(Run, { id: runId }));

  class PlatformStore extends sdk.checkpointing.BaseStore {
    override async batch(operations: Operation[]): Promise<never> {
      const owner = await ownerOf();
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

type ReadOperation = Exclude<Operation, PutOperation>;

async function read(database: Database, owner: Owner, operation: ReadOperation): Promise<unknown> {
  if ("key" in operation)
    return (await rows(database, owner, "namespace = ? and key = ?", operation.namespace.join(dot), operation.key)).map(toItem)[0] ?? null;
  return "namespacePrefix" in operation ? search(database, owner, operation) : namespaces(database, owner, operation);
}

async function search(
  database: Database,
  owner: Owner,
  { namespacePrefix, filter = {}, limit = 10, offset = 0 }: SearchOperation,
): Promise<Item[]> {
  const prefix = namespacePrefix.join(dot);
  const found =
    prefix === ""
      ? await rows(database, owner, "1 = 1")
      : await rows(database, owner, "(namespace = ? or substr(namespace, 1, ?) = ?)", prefix, prefix.length + 1, `${prefix}${dot}`);
  const items = found.map(toItem).filter(({ value }) => Object.entries(filter).every(([name, wanted]) => matches(value[name], wanted)));
  return items.slice(offset, offset + limit);
}

async function namespaces(
  database: Database,
  owner: Owner,
  { matchConditions = [], maxDepth = Number.POSITIVE_INFINITY, limit, offset }: ListNamespacesOperation,
): Promise<string[][]> {
  const { read: sql } = database;
  const all = await sql.all<{ namespace: string }>(
    "select distinct namespace from langgraph_item where tenant_id = ? and owner_id = ? order by namespace",
    owner.tenantId,
    owner.ownerId,
  );
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

function rows({ read: sql }: Database, { tenantId, ownerId }: Owner, where: string, ...params: (string | number)[]): Promise<Row[]> {
  const text = `select ${columns} from langgraph_item where tenant_id = ? and owner_id = ? and ${where} order by updated_at desc, id desc`;
  return sql.all<Row>(text, tenantId, ownerId, ...params);
}

async function write(database: Database, { tenantId, ownerId }: Owner, puts: readonly PutOperation[]): Promise<void> {
  await database.commit(async ({ sql }) => {
    for (const { namespace, key, value } of puts) {
      const place = [tenantId, ownerId, namespace.join(dot), key] as const;
      if (value === null) {
        await sql.run("delete from langgraph_item where tenant_id = ? and owner_id = ? and namespace = ? and key = ?", ...place);
        continue;
      }
      await sql.run(
        `insert into langgraph_item (id, tenant_id, owner_id, namespace, key, value, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ${sql.now}, ${sql.now})
         on conflict (tenant_id, owner_id, namespace, key) do update set value = excluded.value, updated_at = excluded.updated_at`,
        newId(),
        ...place,
        JSON.stringify(value),
      );
    }
  });
}

function toItem({ namespace, key, value, created_at, updated_at }: Row): Item {
  return {
    namespace: namespace.split(dot),
    key,
    value: JSON.parse(value) as Record<string, unknown>,
    createdAt: new Date(created_at),
    updatedAt: new Date(updated_at),
  };
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
