import type { JsonSchema } from "./json-schema-dialects.ts";

/** How much work a schema can make, told without compiling it. */
export interface SchemaCost {
  /** Whether it can be compiled and used at once, where values are small enough. */
  readonly isSimple: boolean;
  /** The most parts that a value may have to be checked at once. */
  readonly mostParts: number;
  /** Its patterns, which can take long over any text. */
  readonly patterns: readonly string[];
}

/** Parts of a simple schema, with references followed. */
const mostNodes = 400;
/** How deep the parts of a simple schema nest alternatives within each other: what is compiled grows with it. */
const mostNesting = 4;
/** Checks of one part of a value by one part of a schema that are made at once. */
const mostChecks = 200_000;

/** Keywords whose schemas are for the same value as the schema that they stand in, or for values that another keyword is for, too. */
const forking = new Set(
  "allOf anyOf oneOf not if then else dependentSchemas dependencies patternProperties contains unevaluatedProperties unevaluatedItems extends disallow".split(
    " ",
  ),
);
/** Keywords that hold values, not schemas. */
const plain = new Set(["enum", "const", "default", "example", "examples", "required"]);

/** Bounds the work of a schema. What is not simple may be harmless: it only cannot be told cheaply. */
export function costOf(schema: JsonSchema): SchemaCost {
  const walk = new Walk(schema);
  const nodes = walk.nodesOf(schema, 0);
  const isSimple = nodes <= mostNodes && !walk.isHard && !(walk.recurs && walk.forks);
  const mostParts = Math.floor(mostChecks / Math.max(1, nodes));
  return { isSimple, mostParts: walk.comparesItems ? Math.min(mostParts, 300) : mostParts, patterns: walk.patterns };
}

class Walk {
  readonly patterns: string[] = [];
  recurs = false;
  forks = false;
  comparesItems = false;
  /** It has something that cannot be followed, or nests too deep. */
  isHard = false;
  readonly #root: JsonSchema;
  readonly #sizes = new Map<object, number | "open">();

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  /** Parts of a schema, each counted as often as it is reached; more than allowed may be any number above. */
  nodesOf(part: unknown, nesting: number): number {
    if (typeof part !== "object" || part === null || this.isHard) return 1;
    const known = this.#sizes.get(part);
    if (known === "open") {
      this.recurs = true;
      return 1;
    }
    if (known !== undefined) return known;
    this.#sizes.set(part, "open");
    let nodes = 1;
    for (const [keyword, value] of Object.entries(part)) {
      nodes += this.#nodesOfKeyword(keyword, value, nesting);
      if (nodes <= mostNodes) continue;
      this.isHard = true;
      break;
    }
    this.#sizes.set(part, nodes);
    return nodes;
  }

  #nodesOfKeyword(keyword: string, value: unknown, nesting: number): number {
    if (keyword === "$ref" && typeof value === "string") return this.#nodesOfReference(value, nesting);
    if (keyword === "$dynamicRef" || keyword === "$recursiveRef" || keyword === "$id" || keyword === "id") {
      if (typeof value === "string") this.isHard = true;
      return 1;
    }
    if (keyword === "pattern" && typeof value === "string") this.patterns.push(value);
    if (keyword === "uniqueItems" && value === true) this.comparesItems = true;
    if (plain.has(keyword)) return sizeOf(value);
    // Definitions count where they are referred to.
    if ((keyword === "$defs" || keyword === "definitions") && isObject(value)) return Object.keys(value).length;
    if (typeof value !== "object" || value === null) return 0;
    const forks = forking.has(keyword);
    if (forks) this.forks = true;
    if (keyword === "patternProperties") this.patterns.push(...Object.keys(value));
    const inner = nesting + (forks ? 1 : 0);
    if (inner > mostNesting) this.isHard = true;
    return this.nodesOf(value, inner);
  }

  #nodesOfReference(reference: string, nesting: number): number {
    const target = targetOf(this.#root, reference);
    if (target === undefined) this.isHard = true;
    return this.nodesOf(target, nesting);
  }
}

function targetOf(root: JsonSchema, reference: string): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
    at = isObject(at) || Array.isArray(at) ? (Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined) : undefined;
  }
  return at;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** How many parts a value has, as far as it matters. */
function sizeOf(value: unknown): number {
  return hasMoreParts(value, mostNodes) ? mostNodes + 1 : 0;
}

/** Whether a value has more parts than so many. */
export function hasMoreParts(value: unknown, most: number): boolean {
  let left = most;
  const open: unknown[] = [value];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (typeof at !== "object" || at === null) continue;
    const parts = Array.isArray(at) ? at : Object.values(at);
    left -= parts.length;
    if (left < 0) return true;
    for (const part of parts) if (typeof part === "object" && part !== null) open.push(part);
  }
  return false;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
