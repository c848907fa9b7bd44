import type { EntityClass } from "@mikro-orm/core";
import { WeftlineError } from "../errors.ts";
import { partsOf, type GraphBuilder, type GraphTypes, type NodeLoader, type NodeRule } from "./builder.ts";
import { globalId, parseGlobalId } from "./ids.ts";
import type { Scope } from "./scope.ts";

/** How many objects one query may ask for by their ids. */
const maxIds = 100;

/** The type key of the `Node` interface. */
export class Node {
  declare readonly id: string;
}

/** The type key of `PageInfo`. */
export class PageInfo {
  declare readonly hasNextPage: boolean;
  declare readonly hasPreviousPage: boolean;
  declare readonly startCursor: string | null;
  declare readonly endCursor: string | null;
}

/** Defines `Node`, `PageInfo`, `node` and `nodes`; the core does so once a builder. */
export function addNodes(builder: GraphBuilder): void {
  builder.interfaceType(Node, {
    name: "Node",
    description: "An object that the graph finds by its id.",
    fields: (t) => ({ id: t.id({ nullable: false, description: "Its name in the graph; opaque.", resolve: () => "" }) }),
  });
  builder.objectType(PageInfo, {
    name: "PageInfo",
    description: "Where a page stands in its list.",
    fields: (t) => ({
      hasNextPage: t.exposeBoolean("hasNextPage", { nullable: false, description: "Whether something follows." }),
      hasPreviousPage: t.exposeBoolean("hasPreviousPage", { nullable: false, description: "Whether something precedes." }),
      startCursor: t.exposeString("startCursor", { description: "The cursor of the first on the page." }),
      endCursor: t.exposeString("endCursor", { description: "The cursor of the last on the page." }),
    }),
  });
  builder.queryField("node", (t) =>
    t.field({
      type: Node,
      description: "Any object by its id; null where it does not exist or belongs to another.",
      args: { id: t.arg.id({ required: true, description: "The object's id." }) },
      resolve: (_, { id }, scope) => loadNode(builder, String(id), scope) as Promise<Node | null>,
    }),
  );
  builder.queryField("nodes", (t) =>
    t.field({
      type: [Node],
      nullable: { list: false, items: true },
      description: `Several objects by their ids, in that order, at most ${maxIds}.`,
      args: { ids: t.arg.idList({ required: true, description: "The objects' ids." }) },
      resolve: (_, { ids }, scope) => {
        if (ids.length > maxIds) throw tooMany(ids.length);
        return Promise.all(ids.map((id) => loadNode(builder, String(id), scope) as Promise<Node | null>));
      },
    }),
  );
}

function tooMany(count: number): WeftlineError {
  const message = `At most ${maxIds} ids at once; these are ${count}.`;
  return new WeftlineError("INVALID_INPUT", { path: ["ids"], message, issues: [{ path: ["ids"], message }] });
}

/** An object by its global id, with its type known to the interface it is returned as. */
export async function loadNode(builder: GraphBuilder, id: string, scope: Scope): Promise<unknown> {
  const parsed = parseGlobalId(id);
  const load = parsed && partsOf(builder).nodes.get(parsed.typeName)?.load;
  if (!parsed || !load) return null;
  return (await scope.load(load, parsed.id, (ids) => load(ids, scope))) ?? null;
}

type ObjectOptions<Shape extends object> = PothosSchemaTypes.ObjectTypeOptions<GraphTypes, Shape>;

export interface NodeOptions<Shape extends object> {
  readonly name: string;
  readonly description: string;
  readonly interfaces?: readonly unknown[];
  /** The local id; the row's `id` by default. */
  readonly id?: (row: Shape) => string;
  /** Who finds it; where an entity is behind it, by the same rule. A generated test holds every type to it. */
  readonly ownership: NodeRule;
  readonly load: NodeLoader;
  readonly fields: NonNullable<ObjectOptions<Shape>["fields"]>;
}

/**
 * Defines a type that `node(id)` finds. Its rows are told apart by class.
 *
 * @example
 * const ownership = { rule: "PRIVATE" } as const;
 * nodeType(builder, Thread, { name: "Thread", description: "…", ownership, load: loadRows(Thread), fields: (t) => ({ … }) });
 */
export function nodeType<Shape extends { readonly id: string }>(
  builder: GraphBuilder,
  type: abstract new (...args: never[]) => Shape,
  options: NodeOptions<Shape>,
): void {
  const { name, description, interfaces = [], id = (row) => row.id, ownership, load, fields } = options;
  partsOf(builder).nodes.set(name, { load, ownership, type });
  builder.objectType(
    type as never,
    {
      name,
      description,
      interfaces: [Node, ...interfaces],
      extensions: { weftline: { ownership } },
      isTypeOf: (value: unknown) => value instanceof type,
      fields: (t: never) => ({
        id: (t as PothosSchemaTypes.ObjectFieldBuilder<GraphTypes, Shape>).id({
          nullable: false,
          description: "Its name in the graph; opaque.",
          resolve: (row) => globalId(name, id(row)),
        }),
        ...fields(t),
      }),
    } as never,
  );
}

/**
 * A node loader over an entity whose primary key is `id`.
 *
 * @example load: loadRows(Thread)
 */
export function loadRows<Entity extends { readonly id: string }>(entity: EntityClass<Entity>): NodeLoader {
  return async (ids, scope) => {
    const rows = await scope.rowsById(entity, ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  };
}

/**
 * One row by its local id, batched with others of the same turn; null where the viewer may not see it.
 *
 * @example resolve: (run, _, scope) => loadRow(scope, Agent, run.agentId)
 */
export async function loadRow<Entity extends { readonly id: string }>(
  scope: Scope,
  entity: EntityClass<Entity>,
  id: string | null | undefined,
): Promise<Entity | null> {
  if (id == null) return null;
  const load = loadRows(entity);
  return (
    ((await scope.load(entity, id, (ids) => load(ids, scope) as Promise<readonly (Entity | undefined)[]>)) as Entity | undefined) ?? null
  );
}
