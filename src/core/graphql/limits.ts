import {
  Kind,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type SelectionSetNode,
} from "graphql";
import { WeftlineError } from "../errors.ts";
import { defaultPageSize } from "./connections.ts";

/** How much one caller may ask for. */
export interface GraphLimits {
  /** Tokens of a document. */
  readonly tokens: number;
  /** How deep fields may nest. */
  readonly depth: number;
  /** Fields that an operation may resolve, counted before it runs: what stands below a page counts once an item of the page. */
  readonly cost: number;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of one frame that a socket sends. */
  readonly frameBytes: number;
  /** Open operations of one socket. */
  readonly operationsPerSocket: number;
  /** Open sockets of one viewer. */
  readonly socketsPerViewer: number;
  /** Open sockets of the server. */
  readonly sockets: number;
}

export const defaultLimits: GraphLimits = {
  tokens: 2_000,
  depth: 20,
  cost: 100_000,
  bodyBytes: 1_000_000,
  frameBytes: 256 * 1024,
  operationsPerSocket: 50,
  socketsPerViewer: 10_000,
  sockets: 20_000,
};

/** The size of an operation. */
export interface OperationSize {
  readonly depth: number;
  readonly cost: number;
}

/** An operation that has passed validation, with the variables as the client sent them. */
export interface SizedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Counts an operation before it runs. Pages multiply what stands below them by `first`, `last` or the default size; a fragment is
 * counted once and its size reused, so that a document cannot make the counting itself expensive.
 */
export function sizeOf({ schema, document, operationName, variables }: SizedOperation): OperationSize {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const known = new Map<string, OperationSize>();

  function ofFragment(name: string): OperationSize {
    const found = known.get(name);
    if (found) return found;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const size = fragment && isCompositeType(type) ? ofSelections(fragment.selectionSet, type) : { depth: 0, cost: 0 };
    known.set(name, size);
    return size;
  }

  function ofSelections({ selections }: SelectionSetNode, parent: GraphQLCompositeType): OperationSize {
    let depth = 0;
    let cost = 0;
    for (const selection of selections) {
      let size: OperationSize;
      if (selection.kind === Kind.FIELD) size = ofField(selection, parent);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) size = ofFragment(selection.name.value);
      else {
        const type = selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent;
        size = isCompositeType(type) ? ofSelections(selection.selectionSet, type) : { depth: 0, cost: 0 };
      }
      depth = Math.max(depth, size.depth);
      cost += size.cost;
    }
    return { depth, cost };
  }

  function ofField(field: FieldNode, parent: GraphQLCompositeType): OperationSize {
    const name = field.name.value;
    // The schema describes itself from memory; whether it may be asked is decided by a rule of its own.
    if (name.startsWith("__")) return { depth: 1, cost: 1 };
    const definition = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    const type = definition && getNamedType(definition.type);
    if (!definition || !field.selectionSet || !isCompositeType(type)) return { depth: 1, cost: 1 };
    const below = ofSelections(field.selectionSet, type);
    const times = definition.args.some((arg) => arg.name === "first" || arg.name === "last")
      ? pageSize(field, variables)
      : listSize(field, variables);
    return { depth: below.depth + 1, cost: 1 + times * below.cost };
  }

  const operation = document.definitions.find(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION && (operationName == null || definition.name?.value === operationName),
  );
  const root = operation?.kind === Kind.OPERATION_DEFINITION ? schema.getRootType(operation.operation) : undefined;
  return operation?.kind === Kind.OPERATION_DEFINITION && root ? ofSelections(operation.selectionSet, root) : { depth: 0, cost: 0 };
}

function argumentOf(field: FieldNode, name: string, variables: Readonly<Record<string, unknown>>): unknown {
  const value = field.arguments?.find((argument) => argument.name.value === name)?.value;
  if (value?.kind === Kind.VARIABLE) return variables[value.name.value];
  if (value?.kind === Kind.INT) return Number(value.value);
  return value?.kind === Kind.LIST ? value.values : undefined;
}

function pageSize(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  const asked = [argumentOf(field, "first", variables), argumentOf(field, "last", variables)].filter((size) => typeof size === "number");
  return asked.length > 0 ? Math.max(1, ...asked) : defaultPageSize;
}

/** A list that is asked for by ids is as long as they are; what other lists hold is the server's own choice and counts once. */
function listSize(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  const ids = argumentOf(field, "ids", variables);
  return Array.isArray(ids) ? Math.max(1, ids.length) : 1;
}

/** @throws OPERATION_LIMIT for an operation that is deeper or dearer than allowed. */
export function checkSize({ depth, cost }: OperationSize, limits: GraphLimits): void {
  if (depth > limits.depth)
    throw new WeftlineError("OPERATION_LIMIT", { problem: `nests ${depth} fields deep; ${limits.depth} are allowed` });
  if (cost > limits.cost) throw new WeftlineError("OPERATION_LIMIT", { problem: `may resolve ${cost} fields; ${limits.cost} are allowed` });
}
