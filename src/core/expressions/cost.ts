import type * as Cel from "@marcbachmann/cel-js";

/** What has more parts is never evaluated at once: each of them may take as long as its arguments. */
const maxQuickNodes = 100;
/** The most characters of JSON over which an expression of quick parts is evaluated at once: a millisecond or two. */
const maxQuickSize = 4_096;
/** The same where texts or lists are searched, which takes as long as the product of both sizes. */
const maxSearchedSize = 512;
/** Functions that take no longer than their arguments are long. Not `duration`: it searches its text by a pattern that starts over at each digit. */
const quickCalls = new Set([
  "has",
  "size",
  "startsWith",
  "endsWith",
  "contains",
  "string",
  "int",
  "double",
  "bool",
  "type",
  "dyn",
  "timestamp",
]);

type Nodes = readonly Cel.ASTNode[];

/** How large its variables may be, in characters of JSON, for it to be evaluated at once; 0 where no size bounds what it takes. */
export function boundOf(nodes: Nodes): number {
  const isQuick = nodes.length <= maxQuickNodes && nodes.filter(canGrow).length <= 1 && nodes.every(isQuickCall);
  if (!isQuick) return 0;
  return nodes.some(isSearch) ? maxSearchedSize : maxQuickSize;
}

/** The members of a variable that an expression names. */
export function membersNamed(nodes: Nodes, variable: string): readonly string[] {
  return nodes.flatMap((node) => memberOf(node, variable) ?? []);
}

/** What an expression reads of its variables: of one that is only ever asked for members, those members. */
export function neededValues(nodes: Nodes, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named = new Map<string, number>();
  for (const { op, args } of nodes) if (op === "id") named.set(args, (named.get(args) ?? 0) + 1);
  const needed: Record<string, unknown> = {};
  for (const [name, times] of named) {
    if (!Object.hasOwn(values, name)) continue;
    const value = values[name];
    const members = membersNamed(nodes, name);
    needed[name] = members.length === times && isObject(value) ? only(value, members) : value;
  }
  return needed;
}

function only(value: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSearch({ op, args }: Cel.ASTNode): boolean {
  return op === "in" || (op === "rcall" && args[0] === "contains");
}

function isQuickCall({ op, args }: Cel.ASTNode): boolean {
  return (op !== "call" && op !== "rcall") || quickCalls.has(args[0]);
}

/** One `+` joins two lists; many of them copy the same items again and again. */
function canGrow({ op }: Cel.ASTNode): boolean {
  return op === "+";
}

function memberOf({ op, args }: Cel.ASTNode, variable: string): string | undefined {
  if (op !== "." && op !== "[]") return undefined;
  const [object, member] = args;
  if (object.op !== "id" || object.args !== variable) return undefined;
  if (typeof member === "string") return member;
  return member.op === "value" && typeof member.args === "string" ? member.args : undefined;
}
