import {
  Kind,
  getIntrospectionQuery,
  getNamedType,
  isCompositeType,
  parse,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { WeftlineError } from "../errors.ts";
import { defaultPageSize, maxPageSize } from "./connections.ts";
import type { GraphLimits } from "./limits.ts";

/** What an operation asks for below one selection. */
interface Extent {
  readonly depth: number;
  readonly cost: number;
}

/** The size of an operation. */
export interface OperationSize extends Extent {
  /** Items of its largest page. */
  readonly page: number;
  /** How often it asks the graph about itself, or as often as it asks for all of it. */
  readonly introspections: number;
  /** The variables on whose values all this depends. */
  readonly sizedBy: readonly string[];
}

type Variables = Readonly<Record<string, unknown>>;

/** An operation that has passed validation, with the variables as the client sent them. */
export interface SizedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables: Variables;
}

/** Every tool asks once, for the whole. */
const maxIntrospections = 2;
/** Fields of the schema's description that cost nothing worth measuring. */
const mostUnmeasured = 10_000;
/** About how many a part of the schema's description has of each list. */
const described: Readonly<Record<string, number>> = { fields: 8, args: 2, inputFields: 5, enumValues: 5, possibleTypes: 3, directives: 6 };
const leaf: Extent = { depth: 1, cost: 1 };
const nothing: Extent = { depth: 0, cost: 0 };

/**
 * Counts an operation before it runs. Pages multiply what stands below them by `first`, `last` or the default size; a fragment is
 * counted once and its size reused, so that a document cannot make the counting itself expensive.
 */
export function sizeOf(operation: SizedOperation): OperationSize {
  const { introspectionCost, ...size } = measure(operation);
  if (introspectionCost <= mostUnmeasured) return size;
  // As often as all of the schema is described by it, whatever it asks for.
  const wholes = Math.ceil(introspectionCost / measure(descriptionOf(operation.schema)).introspectionCost);
  return { ...size, introspections: Math.max(size.introspections, wholes) };
}

function measure({ schema, document, operationName, variables }: SizedOperation): OperationSize & { readonly introspectionCost: number } {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION && (operationName == null || definition.name?.value === operationName),
  );
  const given: Variables = { ...defaultsOf(operation), ...definedOf(variables) };
  const known = new Map<string, Extent>();
  const sizedBy = new Set<string>();
  let page = 0;
  let introspections = 0;
  let introspectionCost = 0;

  function ofFragment(name: string): Extent {
    const found = known.get(name);
    if (found) return found;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const extent = fragment && isCompositeType(type) ? ofSelections(fragment.selectionSet, type) : nothing;
    known.set(name, extent);
    return extent;
  }

  function ofSelections({ selections }: SelectionSetNode, parent: GraphQLCompositeType): Extent {
    let depth = 0;
    let cost = 0;
    for (const selection of selections) {
      let extent: Extent;
      if (selection.kind === Kind.FIELD) extent = ofField(selection, parent);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) extent = ofFragment(selection.name.value);
      else {
        const type = selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent;
        extent = isCompositeType(type) ? ofSelections(selection.selectionSet, type) : nothing;
      }
      depth = Math.max(depth, extent.depth);
      cost += extent.cost;
    }
    return { depth, cost };
  }

  function ofField(field: FieldNode, parent: GraphQLCompositeType): Extent {
    const name = field.name.value;
    const definition = schema.getField(parent, name);
    const type = definition && getNamedType(definition.type);
    if (!definition || !field.selectionSet || !isCompositeType(type)) return leaf;
    if (name.startsWith("__")) {
      // The schema describes itself from memory, at any depth; how often and how much is what counts.
      introspections++;
      introspectionCost += ofSelections(field.selectionSet, type).cost;
      return leaf;
    }
    const paged = definition.args.some((arg) => arg.name === "first" || arg.name === "last");
    const times = parent.name.startsWith("__") ? describedBy(name) : paged ? pageSize(field) : listSize(field);
    if (paged) page = Math.max(page, times);
    const below = ofSelections(field.selectionSet, type);
    return { depth: below.depth + 1, cost: 1 + times * below.cost };
  }

  function argumentOf(field: FieldNode, name: string): unknown {
    const value = field.arguments?.find((argument) => argument.name.value === name)?.value;
    if (value?.kind === Kind.VARIABLE) {
      sizedBy.add(value.name.value);
      return given[value.name.value];
    }
    if (value?.kind === Kind.INT) return Number(value.value);
    return value?.kind === Kind.LIST ? value.values : undefined;
  }

  function pageSize(field: FieldNode): number {
    const asked = [argumentOf(field, "first"), argumentOf(field, "last")].filter((size) => typeof size === "number");
    return asked.length > 0 ? Math.max(1, ...asked) : defaultPageSize;
  }

  /** About how much a list of the schema's own description holds. */
  function describedBy(name: string): number {
    return name === "types" ? Object.keys(schema.getTypeMap()).length : (described[name] ?? 1);
  }

  /** A list that is asked for by ids is as long as they are; what other lists hold is the server's own choice and counts once. */
  function listSize(field: FieldNode): number {
    const ids = argumentOf(field, "ids");
    return Array.isArray(ids) ? Math.max(1, ids.length) : 1;
  }

  const root = operation && schema.getRootType(operation.operation);
  const whole = root ? ofSelections(operation.selectionSet, root) : nothing;
  return { ...whole, page, introspections, introspectionCost, sizedBy: [...sizedBy] };
}

/** What a query asks by which tools learn all of a schema. */
function descriptionOf(schema: GraphQLSchema): SizedOperation {
  const all = { schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true, oneOf: true };
  return { schema, document: parse(getIntrospectionQuery(all)), variables: {} };
}

/** What variables are that a client leaves out. */
function defaultsOf(operation: OperationDefinitionNode | undefined): Variables {
  const defaults: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const { variable, defaultValue } of operation?.variableDefinitions ?? [])
    if (defaultValue) defaults[variable.name.value] = valueFromASTUntyped(defaultValue);
  return defaults;
}

function definedOf(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
}

/** Sizes that were counted: anew only for other values of the variables that they depend on. */
export class Sizes {
  readonly #documents = new WeakMap<DocumentNode, Map<string, KnownSizes>>();

  of(operation: SizedOperation): OperationSize {
    const { document, operationName, variables } = operation;
    let operations = this.#documents.get(document);
    if (!operations) this.#documents.set(document, (operations = new Map<string, KnownSizes>()));
    const known = operations.get(operationName ?? "");
    const found = known?.sizes.get(keyOf(known.sizedBy, variables));
    if (found) return found;
    const size = sizeOf(operation);
    const sizes = known && known.sizes.size < mostKnown ? known.sizes : new Map<string, OperationSize>();
    sizes.set(keyOf(size.sizedBy, variables), size);
    operations.set(operationName ?? "", { sizedBy: size.sizedBy, sizes });
    return size;
  }
}

interface KnownSizes {
  readonly sizedBy: readonly string[];
  readonly sizes: Map<string, OperationSize>;
}

const mostKnown = 200;

/** What of the variables counts: a number, how long a list is, or that there is none. */
function keyOf(sizedBy: readonly string[], variables: Variables): string {
  let key = "";
  for (const name of sizedBy) {
    const value = variables[name];
    if (typeof value === "number") key += `${value} `;
    else if (Array.isArray(value)) key += `[${value.length} `;
    else key += value === undefined ? "- " : "null ";
  }
  return key;
}

/** @throws OPERATION_LIMIT for an operation that is larger than allowed. */
export function checkSize({ depth, cost, page, introspections }: OperationSize, limits: GraphLimits): void {
  const refuse = (problem: string): never => {
    throw new WeftlineError("OPERATION_LIMIT", { problem });
  };
  if (depth > limits.depth) refuse(`nests ${depth} fields deep; ${limits.depth} are allowed`);
  if (cost > limits.cost) refuse(`may resolve ${cost} fields; ${limits.cost} are allowed`);
  if (introspections > maxIntrospections) refuse(`asks the graph about itself ${introspections} times; ${maxIntrospections} are allowed`);
  // Beyond what any page holds, the list itself says so, and where.
  if (page > limits.pageSize && page <= maxPageSize) refuse(`asks for a page of ${page}; ${limits.pageSize} are allowed`);
}
