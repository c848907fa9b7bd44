import { isInterfaceType, isObjectType, isUnionType, type GraphQLInterfaceType, type GraphQLObjectType, type GraphQLSchema } from "graphql";
import { ownsContractNames } from "./reserved-names.ts";

/** Who defined what in a graph. */
export interface Authors {
  /** The plugin that defined each type. */
  readonly types: ReadonlyMap<string, string>;
  /** The plugin that added each field to a type that was there, as in `RunStatusEvent.billingAmount`. */
  readonly fields: ReadonlyMap<string, string>;
}

/** A field that breaks a rule of names, and how to fix it. */
export interface FieldProblem {
  readonly plugin: string;
  readonly problem: string;
  readonly fix: string;
}

interface FieldOfType {
  readonly parent: string;
  readonly name: string;
  readonly type: string;
  readonly plugin: string;
}

type Fielded = GraphQLObjectType | GraphQLInterfaceType;

/**
 * Finds the fields that clients could not select together.
 *
 * - A root field of a plugin outside the core's contract starts with the plugin's id.
 * - A field that a plugin outside the core's contract adds to an event or an error starts with the plugin's id.
 * - Among the members of a result union, and among the types that implement `Event`, fields of one name have one type.
 */
export function fieldProblems(schema: GraphQLSchema, authors: Authors): FieldProblem[] {
  const misnamed = [...unprefixedRoots(authors), ...["Event", "UserError"].flatMap((name) => unprefixed(schema, name, authors))];
  if (misnamed.length > 0) return misnamed;
  const groups = [...resultUnions(schema), membersOf(schema, "Event").filter(isObjectType)];
  const problems = groups.flatMap((group) => clashesIn(group, authors));
  // A payload that clashes with one error clashes with all: one fix is said once.
  return [...new Map(problems.toReversed().map((each) => [each.fix, each])).values()];
}

/** An interface and all that implements it; nothing where the graph has none of that name. */
function membersOf(schema: GraphQLSchema, name: string): readonly Fielded[] {
  const found = schema.getType(name);
  if (!isInterfaceType(found)) return [];
  const { interfaces, objects } = schema.getImplementations(found);
  return [found, ...interfaces, ...objects];
}

/** The members of each union with an error among them, or whose name says that it is a result. */
function resultUnions(schema: GraphQLSchema): (readonly GraphQLObjectType[])[] {
  const errors = new Set<Fielded>(membersOf(schema, "UserError"));
  const unions = Object.values(schema.getTypeMap()).filter(isUnionType);
  return unions
    .filter((union) => union.name.endsWith("Result") || union.getTypes().some((type) => errors.has(type)))
    .map((union) => union.getTypes());
}

function unprefixed(schema: GraphQLSchema, name: string, authors: Authors): FieldProblem[] {
  const what = name === "Event" ? "an event" : "an error";
  return membersOf(schema, name).flatMap((type) =>
    ownFields(type, authors)
      .filter(({ plugin, name: field }) => !ownsContractNames(plugin) && !startsWithId(field, plugin))
      .map(({ plugin, name: field }) => ({
        plugin,
        problem: `the field "${field}" of ${type.name} does not start with "${camelCase(plugin)}".`,
        fix: `Rename it to "${prefixed(field, plugin)}": what a plugin adds to ${what} starts with its id, so that no two plugins clash.`,
      })),
  );
}

const roots = new Set(["Query", "Mutation", "Subscription"]);

function unprefixedRoots({ fields }: Authors): FieldProblem[] {
  return [...fields].flatMap(([path, plugin]) => {
    const [parent = "", field = ""] = path.split(".");
    if (!roots.has(parent) || ownsContractNames(plugin) || startsWithId(field, plugin)) return [];
    const fix = `Rename it to "${prefixed(field, plugin)}": a plugin's root fields start with its id, so that no two plugins clash.`;
    return [{ plugin, problem: `the field "${field}" of ${parent} does not start with "${camelCase(plugin)}".`, fix }];
  });
}

function clashesIn(types: readonly Fielded[], authors: Authors): FieldProblem[] {
  const first = new Map<string, FieldOfType>();
  return types.flatMap((type) =>
    fieldsOf(type, authors).flatMap((field) => {
      const known = first.get(field.name);
      if (!known) first.set(field.name, field);
      return known && known.type !== field.type ? [clashOf(known, field)] : [];
    }),
  );
}

/** What is outside the contract is to change, and else what is not the core's own. */
function clashOf(one: FieldOfType, two: FieldOfType): FieldProblem {
  const twoIsFixed = two.plugin === "weftline" || (ownsContractNames(two.plugin) && !ownsContractNames(one.plugin));
  const [kept, changed] = twoIsFixed ? [two, one] : [one, two];
  const by = kept.plugin === changed.plugin || kept.plugin === "weftline" ? "" : ` (by "${kept.plugin}")`;
  return {
    plugin: changed.plugin,
    problem:
      `the field "${changed.name}" is ${changed.type} in ${changed.parent} and ${kept.type} in ${kept.parent}${by}: ` +
      "a client cannot select both in one document.",
    fix: `Rename ${changed.parent}.${changed.name}, as to "${prefixed(changed.name, changed.plugin)}", or give it the type ${kept.type}.`,
  };
}

function fieldsOf(type: Fielded, authors: Authors): FieldOfType[] {
  return Object.values(type.getFields()).map((field) => ({
    parent: type.name,
    name: field.name,
    type: String(field.type),
    plugin: authors.fields.get(`${type.name}.${field.name}`) ?? authors.types.get(type.name) ?? "weftline",
  }));
}

/** Without what an interface brings: that is the doing of whoever defined the interface. */
function ownFields(type: Fielded, authors: Authors): FieldOfType[] {
  const inherited = new Set(type.getInterfaces().flatMap((each) => Object.keys(each.getFields())));
  return fieldsOf(type, authors).filter(({ name }) => !inherited.has(name));
}

function startsWithId(field: string, plugin: string): boolean {
  const prefix = camelCase(plugin);
  // What follows the id starts a word, as in type names.
  return field.startsWith(prefix) && !/^[a-z]/.test(field.slice(prefix.length));
}

function prefixed(field: string, plugin: string): string {
  return camelCase(plugin) + field.charAt(0).toUpperCase() + field.slice(1);
}

function camelCase(plugin: string): string {
  return plugin.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
