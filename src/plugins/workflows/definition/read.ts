import { Fields, isObject, type Problem } from "./fields.ts";
import { JoinPolicy, OnError, type JsonObject, type NodeDefinition, type RetryPolicy, type WorkflowDefinition } from "./types.ts";

export type { Problem } from "./fields.ts";

const maxNodes = 1_000;
const maxName = 200;
const maxKind = 100;
const maxConfigBytes = 65_536;
const maxDefinitionBytes = 1_048_576;
const maxExpression = 2_000;
const hour = { ms: 3_600_000, words: "an hour" };
const keyPattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** Expressions cannot name members that are called so. */
const reservedKeys = ["in", "null", "true", "false"];
const nodeFields = [
  "key",
  "kind",
  "name",
  "dependsOn",
  "when",
  "config",
  "retry",
  "timeout",
  "join",
  "joinCount",
  "onError",
  "errorNode",
  "undo",
];

/** What was read, and what is wrong with it. */
export interface ReadDefinition {
  /** As far as it could be read, so that the rest of it can be checked as well: use it only where there are no problems. */
  readonly definition?: WorkflowDefinition;
  readonly problems: Problem[];
}

/**
 * Reads a definition as it comes from the graph, from YAML or from TypeScript: `{ inputSchema, nodes }`.
 *
 * @param path where it stands in the input, for the problems: all of them are found at once.
 * @example readDefinition({ nodes: [{ key: "wait", kind: "wait", config: { duration: "PT1M" } }] }, ["input"]);
 */
export function readDefinition(input: unknown, path: readonly string[]): ReadDefinition {
  const problems: Problem[] = [];
  const fields = Fields.of(input, path, problems, "A workflow");
  if (!fields) return { problems };
  fields.onlyKnown(["inputSchema", "nodes"]);
  const inputSchema = fields.json("inputSchema", maxDefinitionBytes, "The input schema");
  const given = fields.list("nodes");
  if (given === undefined) {
    if (fields.get("nodes") === undefined) fields.problem("nodes", "A workflow has nodes.");
    return { problems };
  }
  if (given.length === 0) fields.problem("nodes", "A workflow has at least one node.");
  if (given.length > maxNodes) {
    fields.problem("nodes", `A workflow has at most ${maxNodes} nodes; these are ${given.length}.`);
    return { problems };
  }
  const read = given.map((node, at) => readNode(node, [...path, "nodes", String(at)], problems));
  problems.push(...repeatedKeys(given, [...path, "nodes"]));
  const nodes = read.filter((node) => node !== undefined);
  // Without its key, what others say of a node would be wrong as well.
  if (nodes.length < given.length) return { problems };
  const definition = { ...(inputSchema === undefined ? {} : { inputSchema }), nodes };
  if (Buffer.byteLength(JSON.stringify(definition)) <= maxDefinitionBytes) return { definition, problems };
  // What is more is not checked any further: that would take its time.
  return { problems: [...problems, { path, message: `A workflow has at most ${maxDefinitionBytes / 1_024} KiB of JSON.` }] };
}

function repeatedKeys(nodes: readonly unknown[], path: readonly string[]): Problem[] {
  const first = new Map<unknown, number>();
  return nodes.flatMap((node, at) => {
    const key = isObject(node) && typeof node["key"] === "string" ? node["key"] : undefined;
    if (key === undefined) return [];
    const before = first.get(key);
    if (before === undefined) first.set(key, at);
    return before === undefined
      ? []
      : [{ path: [...path, String(at), "key"], message: `The key "${key}" is already used by node ${before + 1}.` }];
  });
}

/** @returns nothing where it has no key by which others could name it. */
function readNode(input: unknown, path: readonly string[], problems: Problem[]): NodeDefinition | undefined {
  const fields = Fields.of(input, path, problems, "A node");
  if (!fields) return undefined;
  fields.onlyKnown(nodeFields);
  const key = fields.get("key");
  if (typeof key !== "string" || !keyPattern.test(key))
    fields.problem("key", 'A key is a letter, then letters, digits and "_": at most 64 characters.');
  else if (reservedKeys.includes(key)) fields.problem("key", `No node can have the key "${key}", since it is a word of CEL.`);
  const kind = fields.text("kind", maxKind);
  if (fields.get("kind") === undefined) fields.problem("kind", "A node has a kind, as in agent.");
  const when = fields.text("when", maxExpression);
  const errorNode = fields.text("errorNode", 64);
  const undo = fields.text("undo", 64);
  const join = fields.choice("join", Object.values(JoinPolicy));
  const onError = fields.choice("onError", Object.values(OnError));
  const joinCount = fields.number("joinCount", { min: 1, max: maxNodes, whole: true });
  const name = fields.text("name", maxName);
  const named = typeof key === "string" ? key : "";
  const read: NodeDefinition = {
    key: named,
    kind: kind ?? "",
    name: name ?? named,
    dependsOn: readDependsOn(fields),
    ...(when === undefined ? {} : { when }),
    ...readWork(fields),
    join: join ?? "ALL",
    ...(joinCount === undefined ? {} : { joinCount }),
    onError: onError ?? "FAIL",
    ...(errorNode === undefined ? {} : { errorNode }),
    ...(undo === undefined ? {} : { undo }),
  };
  togetherProblems(fields);
  return typeof key === "string" ? read : undefined;
}

/** What a node has, and a node inside a map or a loop as well. */
export function readWork(fields: Fields): { config: JsonObject; retry?: RetryPolicy; timeoutMs?: number } {
  const config = fields.json("config", maxConfigBytes, "The config of a node");
  const retry = readRetry(fields);
  const timeoutMs = fields.duration("timeout");
  if (timeoutMs === 0) fields.problem("timeout", "A timeout is longer than nothing.");
  return { config: config ?? {}, ...(retry === undefined ? {} : { retry }), ...(timeoutMs ? { timeoutMs } : {}) };
}

function readRetry(fields: Fields): RetryPolicy | undefined {
  const given = fields.get("retry");
  const retry = given === undefined ? undefined : Fields.of(given, [...fields.path, "retry"], fields.problems, "A retry policy");
  if (!retry) return undefined;
  retry.onlyKnown(["attempts", "delay", "factor", "jitter"]);
  const attempts = retry.number("attempts", { min: 1, max: 20, whole: true });
  if (retry.get("attempts") === undefined) retry.problem("attempts", "Say how many attempts there are, 1 to 20.");
  return {
    attempts: attempts ?? 1,
    delayMs: retry.duration("delay", hour) ?? 1_000,
    factor: retry.number("factor", { min: 1, max: 10 }) ?? 2,
    jitter: retry.flag("jitter") ?? true,
  };
}

function readDependsOn(fields: Fields): readonly string[] {
  const given = fields.list("dependsOn") ?? [];
  const path = [...fields.path, "dependsOn"];
  if (given.length > maxNodes) {
    fields.problem("dependsOn", `A node depends on at most ${maxNodes} nodes.`);
    return [];
  }
  const read = new Set<string>();
  for (const [at, key] of given.entries()) {
    const wrong = typeof key !== "string" ? "This is the key of a node." : read.has(key) ? `"${key}" is named twice.` : undefined;
    if (wrong === undefined) read.add(key as string);
    else fields.problems.push({ path: [...path, String(at)], message: wrong });
  }
  return [...read];
}

/** Fields that go with others only. */
function togetherProblems(fields: Fields): void {
  const [join, joinCount, onError, errorNode] = ["join", "joinCount", "onError", "errorNode"].map((name) => fields.get(name));
  if (join === "COUNT" && joinCount === undefined) fields.problem("joinCount", "With join COUNT, say how many have to succeed.");
  if (join !== "COUNT" && joinCount !== undefined) fields.problem("joinCount", "This goes with join COUNT only.");
  if (onError === "ROUTE" && errorNode === undefined) fields.problem("errorNode", "With onError ROUTE, name the node that takes over.");
  if (onError !== "ROUTE" && errorNode !== undefined) fields.problem("errorNode", "This goes with onError ROUTE only.");
}
