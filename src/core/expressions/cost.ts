import type * as Cel from "@marcbachmann/cel-js";
import { setOwn } from "../json/plain.ts";

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

/** What an expression reads: of each variable, and of each of its members, all or only some members. */
export interface Reads {
  /** The whole value. */
  all: boolean;
  readonly members: Map<string, Reads>;
}

/** What is read by an expression, as far as it names members: `nodes.a.output.score > 3` reads one number, however large the rest is. */
export function readsOf(ast: Cel.ASTNode): Reads {
  const reads: Reads = { all: false, members: new Map() };
  collectReads(ast, reads);
  return reads;
}

/** The part of the variables that an expression reads. */
export function neededValues({ members }: Reads, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return selected(members, values);
}

function selected(members: Reads["members"], value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const part: Record<string, unknown> = {};
  for (const [name, reads] of members) {
    if (!Object.hasOwn(value, name)) continue;
    const member = value[name];
    setOwn(part, name, reads.all || !isObject(member) ? member : selected(reads.members, member));
  }
  return part;
}

function collectReads(part: unknown, reads: Reads): void {
  if (Array.isArray(part)) for (const each of part) collectReads(each, reads);
  if (!isNode(part)) return;
  const path = pathOf(part);
  if (!path) return collectReads(part.args, reads);
  let at = reads;
  for (const name of path) {
    let next = at.members.get(name);
    if (!next) at.members.set(name, (next = { all: false, members: new Map() }));
    at = next;
  }
  at.all = true;
}

/** A variable and the members of it that an expression names one after the other, as `nodes`, `a`, `output` of `nodes.a["output"]`; else nothing. */
export function pathOf(node: Cel.ASTNode): readonly string[] | undefined {
  if (node.op === "id") return [node.args];
  const member = literalMember(node);
  if (member === undefined) return undefined;
  const path = pathOf((node.args as [Cel.ASTNode, unknown])[0]);
  return path && [...path, member];
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

function memberOf(node: Cel.ASTNode, variable: string): string | undefined {
  const path = pathOf(node);
  return path?.length === 2 && path[0] === variable ? path[1] : undefined;
}

/** The member that a part of an expression asks for by name. */
export function literalMember({ op, args }: Cel.ASTNode): string | undefined {
  if (op !== "." && op !== "[]") return undefined;
  const member = args[1];
  if (typeof member === "string") return member;
  return member.op === "value" && typeof member.args === "string" ? member.args : undefined;
}

/** Whether this is a part of an expression: an operation and what it works on. */
export function isNode(part: unknown): part is Cel.ASTNode {
  return typeof part === "object" && part !== null && "op" in part;
}
