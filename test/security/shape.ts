import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from "graphql";

type Field = GraphQLField<unknown, unknown>;

/** The fields of a composite type; none for a union. */
function fieldsOf(type: GraphQLNamedType): Field[] {
  return isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
}

/** Connections and their edges only wrap: a level of the walk goes through them. */
const isWrapper = (type: GraphQLNamedType): boolean => type.name.endsWith("Connection");

/** What a connection lists. */
function listedBy(connection: GraphQLObjectType): GraphQLCompositeType {
  const nodes = connection.getFields()["nodes"];
  if (!nodes) throw new Error(`${connection.name} has no nodes`);
  return getNamedType(nodes.type) as GraphQLCompositeType;
}

/** Fields that hold objects and that can be asked for without knowing more. */
export function objectFieldsOf(type: GraphQLObjectType): Field[] {
  return fieldsOf(type).filter((field) => !isLeafType(getNamedType(field.type)) && !field.args.some(isRequiredArgument));
}

/**
 * Everything of a type as a selection: its leaves, and its objects down to `levels` more. Each field is named after its type, so that
 * fragments on different types do not clash and an answer says where each thing stood. Pages within pages are short, for the limits.
 */
export function selectionOf(schema: GraphQLSchema, type: GraphQLCompositeType, levels: number): string {
  const concrete = isObjectType(type) ? [type] : schema.getPossibleTypes(type);
  const own = (each: GraphQLObjectType): string => {
    const fields = fieldsOf(each).filter((field) => !field.args.some(isRequiredArgument));
    return fields.flatMap((field) => fieldSelection(schema, each, field, levels) ?? []).join(" ");
  };
  if (isObjectType(type)) return `__typename ${isNode(type) ? "id" : ""} ${own(type)}`;
  return `__typename ${concrete.map((each) => `... on ${each.name} { ${isNode(each) ? "id" : ""} ${own(each)} }`).join(" ")}`;
}

/** One field with what stands below it; nothing where that would go too deep. */
export function fieldSelection(schema: GraphQLSchema, parent: GraphQLObjectType, field: Field, levels: number): string | undefined {
  const type = getNamedType(field.type);
  const args = field.args.some(({ name }) => name === "first") ? `(first: ${levels > 1 ? 30 : 5})` : "";
  const alias = `${parent.name}_${field.name}: ${field.name}${args}`;
  if (isLeafType(type)) return alias;
  if (isWrapper(type) && isObjectType(type)) {
    return levels < 1 ? undefined : `${alias} { totalCount nodes { ${selectionOf(schema, listedBy(type), levels - 1)} } }`;
  }
  return levels < 1 ? undefined : `${alias} { ${selectionOf(schema, type as GraphQLCompositeType, levels - 1)} }`;
}

export function isNode(type: GraphQLNamedType): boolean {
  return (isObjectType(type) || isInterfaceType(type)) && type.getInterfaces().some(({ name }) => name === "Node");
}

/** The object types that a field of the root may answer with, through lists and connections. */
export function answersOf(schema: GraphQLSchema, field: Field): readonly GraphQLObjectType[] {
  const type = getNamedType(field.type);
  const listed = isWrapper(type) && isObjectType(type) ? listedBy(type) : type;
  if (isObjectType(listed)) return [listed];
  return isInterfaceType(listed) || isUnionType(listed) ? schema.getPossibleTypes(listed) : [];
}

export function isList(field: Field): boolean {
  return isListType(getNullableType(field.type)) || isWrapper(getNamedType(field.type));
}

/** A place in the arguments of a root field where a client names an object. */
export interface IdPath {
  /** As in `["input", "thread"]`. */
  readonly path: readonly string[];
  readonly kind: "ID" | "IDS" | "REF";
  /** What the place is called; a reference by its type. */
  readonly name: string;
}

/** All places in the arguments of a root field where a client names an object. */
export function idPathsOf(field: Field): IdPath[] {
  return field.args.flatMap((arg) => below(arg, [arg.name]));
}

function below(place: GraphQLArgument | GraphQLInputField, path: readonly string[]): IdPath[] {
  const type = getNamedType(place.type as GraphQLInputType);
  if (type.name === "ID") return [{ path, name: place.name, kind: isListType(getNullableType(place.type)) ? "IDS" : "ID" }];
  if (!isInputObjectType(type)) return [];
  if (type.isOneOf && type.getFields()["id"]) return [{ path, name: type.name, kind: "REF" }];
  return Object.values(type.getFields()).flatMap((inner) => below(inner, [...path, inner.name]));
}

/** Writes a value into a copy of nested variables. */
export function withValue(variables: object, [first = "", ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const known = variables as Record<string, unknown>;
  // A target has one field.
  const within = first === "target" ? {} : (known[first] ?? {});
  return { ...known, [first]: rest.length === 0 ? value : withValue(within as object, rest, value) };
}

/** An operation that calls one root field with all its arguments as variables. */
export function operationOf(kind: "query" | "mutation" | "subscription", field: Field, selection: string): string {
  const declared = field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(", ");
  const passed = field.args.map(({ name }) => `${name}: $${name}`).join(", ");
  const body = isLeafType(getNamedType(field.type)) ? "" : `{ ${selection} }`;
  return field.args.length === 0 ? `${kind} { ${field.name} ${body} }` : `${kind} (${declared}) { ${field.name}(${passed}) ${body} }`;
}

/** All strings of an answer, with the path to each. */
export function* stringsOf(value: unknown, path = ""): Generator<{ readonly path: string; readonly text: string }> {
  if (typeof value === "string") yield { path, text: value };
  else if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* stringsOf(each, `${path}[${index}]`);
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) yield* stringsOf(each, `${path}.${key}`);
}
