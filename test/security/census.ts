import { isRequiredArgument, type ExecutionResult, type GraphQLObjectType, type GraphQLSchema } from "graphql";
import type { TestPlatform } from "../../src/testing/index.ts";
import { mayDecideFor, nodeTypesOf, ruleOf, sightOf, foreignSecrets, type Asks } from "./rules.ts";
import { fieldSelection, isList, isNode, answersOf, objectFieldsOf, operationOf, selectionOf, stringsOf } from "./shape.ts";
import { unreachable, viewers, type Who } from "./world.ts";

/** An object of the world. */
export interface Known {
  readonly id: string;
  readonly type: GraphQLObjectType;
  readonly owner: Who;
  /** Whether it is an interrupt that approvers may decide, or the run that waits for it. */
  asks: Asks;
}

/** Asks as a viewer, through the door that everybody uses. Refusals stay in the result; a query that could not even run is a fault of the test. */
export async function ask(app: TestPlatform, who: Who, query: string, variables: object = {}): Promise<ExecutionResult> {
  const result = await app.platform.execute({ query, variables: variables as never, viewer: viewers[who] });
  const broken = result.errors?.find(({ extensions }) =>
    ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_LIMIT", "INTERNAL"].includes(String(extensions["code"])),
  );
  if (broken) throw new Error(`${who} cannot ask: ${broken.message} ${JSON.stringify(broken.path)}\n${query.slice(0, 400)}`);
  return result;
}

/** The root fields that list something and need no arguments. */
export function listFieldsOf(schema: GraphQLSchema) {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
  return fields.filter((field) => isList(field) && field.name !== "nodes" && !field.args.some(isRequiredArgument));
}

/** The document that asks for an object's own leaves, and for each of its object fields one that walks two levels down. */
export function walksOf(schema: GraphQLSchema, type: GraphQLObjectType): string[] {
  const fields = objectFieldsOf(type).map((field) => fieldSelection(schema, type, field, 2) ?? "");
  return [selectionOf(schema, type, 0), ...fields].map((selection) => walkOf(type, selection));
}

const walkOf = (type: GraphQLObjectType, selection: string): string =>
  `query ($id: ID!) { node(id: $id) { __typename id ... on ${type.name} { ${selection} } } }`;

/** What stands two levels below an object of a type and nowhere else. */
const deeper: Readonly<Record<string, string>> = { Message: "parts { ... on FilePart { file { __typename id } } }" };

/**
 * Finds what a viewer has by walking from the roots, and adds what nobody had before: who was there first is who made it. Called for each
 * viewer in turn, before the next one makes anything.
 */
export async function countIn(app: TestPlatform, who: Who, known: Map<string, Known>): Promise<void> {
  const { schema } = app.platform;
  const types = new Map(nodeTypesOf(schema).map((type) => [type.name, type]));
  const queue: Known[] = [];
  const take = (id: string, typeName: string): void => {
    const type = types.get(typeName);
    if (!type || known.has(id)) return;
    const found: Known = { id, type, owner: who, asks: "OWNER" };
    known.set(id, found);
    queue.push(found);
  };
  const takeAll = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(takeAll);
    if (typeof value !== "object" || value === null) return;
    const { id, __typename: name } = value as { readonly id?: unknown; readonly __typename?: unknown };
    if (typeof id === "string" && typeof name === "string") take(id, name);
    Object.values(value).forEach(takeAll);
  };
  for (const [typeName, ids] of Object.entries(unreachable)) for (const id of ids) take(id, typeName);
  takeAll((await ask(app, who, "{ viewer { __typename id } }")).data);
  for (const field of listFieldsOf(schema)) takeAll((await ask(app, who, listDocument(schema, field), everything(field))).data);
  for (let next = queue.shift(); next; next = queue.shift()) {
    const selection = `${selectionOf(schema, next.type, 1)} ${deeper[next.type.name] ?? ""}`;
    takeAll((await ask(app, who, walkOf(next.type, selection), { id: next.id })).data);
    if (next.type.name === "Interrupt") await noteApprovers(app, who, next, known);
  }
}

/** All questions of the world are asked by policies that name approvers; they see the run that asks. */
async function noteApprovers(app: TestPlatform, who: Who, interrupt: Known, known: ReadonlyMap<string, Known>): Promise<void> {
  const query = "query ($id: ID!) { node(id: $id) { ... on Interrupt { run { id } } } }";
  const { data } = await ask(app, who, query, { id: interrupt.id });
  const run = known.get((data as { node: { run: { id: string } } }).node.run.id);
  for (const each of [interrupt, run]) if (each) each.asks = "APPROVERS";
}

/** A field of the root. */
export type Field = ReturnType<typeof listFieldsOf>[number];

/** Arguments that leave nothing out: a whole page and no filter, where a filter has a default. */
export function everything(field: Field): Record<string, unknown> {
  const unfiltered = field.args
    .filter((arg) => arg.name !== "scope" && arg.defaultValue !== undefined)
    .map(({ name }) => [name, null] as const);
  return { ...Object.fromEntries(unfiltered), ...(field.args.some(({ name }) => name === "first") ? { first: 100 } : {}) };
}

/** Asks for the ids of all that a list holds. */
export function listDocument(schema: GraphQLSchema, field: Field): string {
  const ids = answersOf(schema, field).map((type) => (isNode(type) ? `... on ${type.name} { id }` : ""));
  const inner = `__typename ${ids.join(" ")}`;
  return operationOf("query", field, String(field.type).includes("Connection") ? `totalCount nodes { ${inner} }` : inner);
}

/** What approvers are shown to decide about. */
const isAsked = (path: string): boolean => path.includes("Interrupt_arguments");

/** What stands in an answer and must not: the secrets of others, and ids of what the viewer is not to know of. */
export function leaksIn(answer: unknown, who: Who, known: ReadonlyMap<string, Known>): string[] {
  const secrets = foreignSecrets(who);
  return [...stringsOf(answer)].flatMap(({ path, text }) => {
    const secret = secrets.find(({ owner, mark }) => text.includes(mark) && !(isAsked(path) && mayDecideFor(owner, who)));
    if (secret) return [`${who} reads what ${secret.owner} said: ${path} = ${text.slice(0, 120)}`];
    const object = known.get(text);
    const rule = object && ruleOf(object.type);
    if (!object || !rule || sightOf(rule, object.owner, who, object.asks) !== "NOTHING") return [];
    return [`${who} learns of ${object.owner}'s ${object.type.name}: ${path}`];
  });
}
