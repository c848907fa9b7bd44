import PothosSchemaBuilder, { type InputObjectRef } from "@pothos/core";
import type { Scope } from "./scope.ts";

/** The scalars and what they are in TypeScript: times as `Date` or milliseconds since 1970, durations in milliseconds. */
export type Scalars = {
  ID: { Input: string; Output: string | number | bigint };
  DateTime: { Input: Date; Output: Date | number };
  Duration: { Input: number; Output: number };
  JSON: { Input: unknown; Output: unknown };
  SafeInt: { Input: number; Output: number };
};

/** The closed type of the graph: context, scalars, defaults. Plugins never widen it. */
export type GraphTypes = PothosSchemaTypes.ExtendDefaultTypes<{
  Context: Scope;
  Scalars: Scalars;
  DefaultFieldNullability: true;
}>;

/** The Pothos builder that a plugin's `schema` is handed. */
export type GraphBuilder = PothosSchemaTypes.SchemaBuilder<GraphTypes>;

/** Loads objects of one node type by their local ids, as the scope's viewer; `undefined` for what it may not see. */
export type NodeLoader = (ids: readonly string[], scope: Scope) => Promise<readonly unknown[]>;

/**
 * Who finds the objects of a node type.
 *
 * - `INSTALLED`: every viewer of the host; they came with its plugins and belong to no tenant.
 * - `SHARED`, `PRIVATE`, `GRANTED`: as of the entity behind it.
 */
export interface NodeRule {
  readonly rule: "INSTALLED" | "SHARED" | "PRIVATE" | "GRANTED";
  /**
   * What admins find of objects that are not theirs; nothing by default. `STATUS`: the object without its content, which only the role
   * `audit` shows. `AUDIT`: the object, but only with the role `audit`. Whatever `audit` shows is logged.
   */
  readonly admins?: "STATUS" | "AUDIT";
  /** What those find whom a policy names to decide what the object asks; nothing by default. `STATUS`: its id, status and target. */
  readonly approvers?: "STATUS";
}

/** What the graph knows of a node type. */
export interface NodeType {
  readonly load: NodeLoader;
  readonly ownership: NodeRule;
  /** Its class: that of the entity where rows stand behind it. */
  readonly type: object;
}

/** A member of an open union. */
export interface UnionMember {
  readonly type: unknown;
  readonly typeName: string;
  readonly isMember: (value: never) => boolean;
}

/** What the parts of one graph share while it is built. */
export interface GraphParts {
  /** The type name by event kind, as in `message.delta` → `MessageDeltaEvent`. */
  readonly eventTypes: Map<string, string>;
  /** The reference of each error type by kind. */
  readonly errorTypes: Map<string, unknown>;
  /** The node types by name. */
  readonly nodes: Map<string, NodeType>;
  /** Input types that several plugins build, by name. */
  readonly inputs: Map<string, InputObjectRef<GraphTypes, object>>;
  /** Names of inputs that another plugin than their owner adds fields to. */
  readonly extendedInputs: Set<string>;
  /** Connection types by the name of what they list. */
  readonly connections: Map<string, unknown>;
  /** Members of open unions, by the union's name. */
  readonly unions: Map<string, UnionMember[]>;
  /** Who added fields to types that were there, as in `Run.thread` → `chat`; known once the schema is built. */
  readonly addedFields: Map<string, string>;
}

const parts: unique symbol = Symbol("weftline.graphParts");

/** The shared parts of a builder; each builder has its own, so that two graphs fit in one process. */
export function partsOf(builder: GraphBuilder): GraphParts {
  return (builder as GraphBuilder & { [parts]: GraphParts })[parts];
}

/** A builder with empty root types; each build of a schema has its own. */
export function createBuilder(): GraphBuilder {
  const builder: GraphBuilder = new PothosSchemaBuilder<GraphTypes>({ plugins: [] });
  const shared: GraphParts = {
    eventTypes: new Map(),
    errorTypes: new Map(),
    nodes: new Map(),
    inputs: new Map(),
    extendedInputs: new Set(),
    connections: new Map(),
    unions: new Map(),
    addedFields: new Map(),
  };
  Object.assign(builder, { [parts]: shared });
  builder.queryType({ description: "What can be read." });
  builder.mutationType({ description: "What can be changed. Expected failures are data: select `... on UserError`." });
  builder.subscriptionType({ description: "What can be watched." });
  return builder;
}
