import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ValueType } from "#weftline";
import type { InnerNode, NodeReferences, WorkflowNodeKind } from "../../contract.ts";
import { branchConfig } from "../../nodes/scheduled/branch.ts";
import { loopConfig } from "../../nodes/scheduled/loop.ts";
import { mapConfig } from "../../nodes/scheduled/map.ts";
import { valueTypeOf } from "../cel-types.ts";
import { isObject, type Problem } from "../fields.ts";
import { didYouMean } from "../near-names.ts";
import type { NamedTarget, Surroundings } from "../surroundings.ts";
import type { JsonObject, NodeDefinition } from "../types.ts";
import { configParts } from "./config-parts.ts";
import type { ExpressionChecks } from "./expressions.ts";
import { fitProblems, type TemplateType } from "./fit.ts";
import { unknownNode, type WorkflowGraph } from "./graph.ts";
import { looseParts } from "./loose-parts.ts";
import { scheduledKinds } from "./scheduled-kinds.ts";
import type { Targets } from "./targets.ts";
import { Turns } from "./turns.ts";

/** Where settings stand, and what their expressions see. */
interface Place {
  readonly node: NodeDefinition;
  readonly path: readonly string[];
  readonly variables?: Readonly<Record<string, ValueType>>;
}

/** Checks the nodes of one definition one by one. */
export class NodeChecks {
  readonly problems: Problem[] = [];
  readonly #graph: WorkflowGraph;
  readonly #surroundings: Surroundings;
  readonly #expressions: ExpressionChecks;
  readonly #targets: Targets;
  readonly #turns = new Turns();
  /** By the schema: nodes that use the same tool have outputs of the same type. */
  readonly #types = new WeakMap<JsonObject, ValueType>();

  constructor(graph: WorkflowGraph, surroundings: Surroundings, expressions: ExpressionChecks, targets: Targets) {
    this.#graph = graph;
    this.#surroundings = surroundings;
    this.#expressions = expressions;
    this.#targets = targets;
  }

  /** @param path where the node stands. */
  async check(node: NodeDefinition, path: readonly string[]): Promise<void> {
    await this.#turns.next();
    const place = { node, path: [...path, "config"] };
    if (node.when !== undefined) this.#condition(node.when, { node, path: [...path, "when"] });
    const output = await this.#output(node, place);
    // What is routed has the output of the node that takes over.
    this.#expressions.outputKnown(node, node.onError === "ROUTE" ? "dyn" : output);
  }

  async #output(node: NodeDefinition, place: Place): Promise<ValueType> {
    switch (node.kind) {
      case "branch":
        return this.#branch(node, place);
      case "map":
        return this.#map(node, place);
      case "loop":
        return this.#loop(node, place);
      case "":
        return "dyn";
      default:
        return this.#plain(node, place);
    }
  }

  #condition(source: string, place: Place): void {
    this.problems.push(...this.#expressions.check(source, { ...place, expects: "condition" }).problems);
  }

  async #branch({ key, config }: NodeDefinition, place: Place): Promise<ValueType> {
    await this.#read(branchConfig, config, place.path);
    for (const [at, { when, to }] of looseParts(config).cases.entries()) {
      await this.#turns.next();
      const path = [...place.path, "cases", String(at)];
      if (when !== undefined) this.#condition(when, { ...place, path: [...path, "when"] });
      if (to !== undefined) this.#target(to, key, [...path, "to"]);
    }
    if (typeof config["else"] === "string" && config["else"] !== "") this.#target(config["else"], key, [...place.path, "else"]);
    return "string";
  }

  #target(key: string, branch: string, path: readonly string[]): void {
    if (this.#graph.node(key)?.dependsOn.includes(branch)) return;
    const message = unknownNode(this.#graph, key) ?? `"${key}" does not depend on "${branch}": add it to its dependsOn.`;
    this.problems.push({ path, message });
  }

  async #map({ config }: NodeDefinition, place: Place): Promise<ValueType> {
    await this.#read(mapConfig, config, place.path);
    const { over: source, as, node } = looseParts(config);
    const over =
      source === undefined ? undefined : this.#expressions.check(source, { ...place, path: [...place.path, "over"], expects: "list" });
    this.problems.push(...(over?.problems ?? []));
    const item = typeof over?.type === "object" && "items" in over.type ? over.type.items : "dyn";
    return { items: node && as !== undefined ? await this.#inner(node, place, { [as]: item, index: "int" }) : "dyn" };
  }

  async #loop({ config }: NodeDefinition, place: Place): Promise<ValueType> {
    await this.#read(loopConfig, config, place.path);
    const { while: source, node } = looseParts(config);
    const variables = { item: "dyn", index: "int" } as const;
    if (source !== undefined) this.#condition(source, { ...place, path: [...place.path, "while"], variables });
    return node ? this.#inner(node, place, variables) : "dyn";
  }

  #inner(inner: Pick<InnerNode, "kind" | "config">, place: Place, variables: Readonly<Record<string, ValueType>>): Promise<ValueType> {
    return this.#plain(inner, { ...place, path: [...place.path, "node", "config"], variables });
  }

  async #plain({ kind: name, config }: Pick<InnerNode, "kind" | "config">, place: Place): Promise<ValueType> {
    const kind = this.#surroundings.kinds.get(name) as WorkflowNodeKind | undefined;
    if (!kind) {
      const known = [...this.#surroundings.kinds.keys(), ...scheduledKinds].toSorted();
      const message = `There is no kind "${name}".${didYouMean(name, known)} Choose one of: ${known.join(", ")}.`;
      this.problems.push({ path: [...place.path.slice(0, -1), "kind"], message });
    }
    const settings = kind && (await this.#read(kind.config, config, place.path));
    const { expressions, problems } = configParts(config, kind?.expressions ?? [], place.path);
    this.problems.push(...problems);
    const templates: TemplateType[] = [];
    for (const { source, path, as } of expressions) {
      await this.#turns.next();
      const checked = this.#expressions.check(source, { ...place, path });
      this.problems.push(...checked.problems);
      templates.push({ path: path.slice(place.path.length), type: as === "text" ? "string" : checked.type });
    }
    if (!kind || settings === undefined) return "dyn";
    return this.#known(kind, settings, { config, templates, path: place.path });
  }

  /** What is known by what the settings name. @returns the type of the output. */
  async #known(
    kind: WorkflowNodeKind,
    settings: unknown,
    {
      config,
      templates,
      path,
    }: { readonly config: JsonObject; readonly templates: readonly TemplateType[]; readonly path: readonly string[] },
  ): Promise<ValueType> {
    const references = kind.references?.(settings) ?? {};
    this.problems.push(...(await this.#targets.unknown(references, path)));
    if (kind.kind === "transform") return templates[0]?.type ?? "dyn";
    const { member, target } = await this.#targetOf(kind, references);
    const schema = target?.inputSchema;
    if (schema) {
      const within = templates.flatMap(({ path: [first, ...rest], type }) => (first === member ? [{ path: rest, type }] : []));
      const found = await fitProblems((...args) => this.#surroundings.checkSchema(...args), schema, config[member] ?? {}, within);
      this.problems.push(...found.map((each) => ({ path: [...path, member, ...each.path], message: `Does not fit: ${each.message}.` })));
    }
    if (kind.kind === "input") await this.#schema(config["responseSchema"], [...path, "responseSchema"]);
    if (kind.kind === "input" || kind.kind === "approval") await this.#approvers(config["approvers"], [...path, "approvers"]);
    const output = kind.outputSchema?.(settings) ?? target?.outputSchema;
    return output === undefined ? "dyn" : this.#typeOf(output);
  }

  #typeOf(schema: JsonObject): ValueType {
    const type = this.#types.get(schema) ?? valueTypeOf(schema);
    this.#types.set(schema, type);
    return type;
  }

  /** What a node of a shipped kind starts or calls, and the member of its settings that is given to it. */
  async #targetOf(
    { kind }: WorkflowNodeKind,
    { agents = [], tools = [], workflows = [] }: NodeReferences,
  ): Promise<{ readonly member: string; readonly target?: NamedTarget | undefined }> {
    const [agent, tool, workflow] = [agents[0], tools[0], workflows[0]];
    if (kind === "agent" && agent !== undefined) return { member: "input", target: await this.#targets.agent(agent) };
    if (kind === "tool" && tool !== undefined) return { member: "arguments", target: await this.#targets.tool(tool) };
    if (kind === "workflow" && workflow !== undefined) return { member: "input", target: await this.#targets.workflow(workflow) };
    return { member: "" };
  }

  async #approvers(approvers: unknown, path: readonly string[]): Promise<void> {
    const problems = isObject(approvers) ? await this.#surroundings.approverProblems?.(approvers) : undefined;
    for (const { path: inner, message } of problems ?? []) this.problems.push({ path: [...path, ...inner], message });
  }

  async #schema(schema: unknown, path: readonly string[]): Promise<void> {
    const problem = schema === undefined ? undefined : await this.#surroundings.schemaProblem(schema);
    if (problem !== undefined) this.problems.push({ path, message: `This is not a JSON Schema: ${problem}.` });
  }

  async #read<Schema extends StandardSchemaV1>(
    schema: Schema,
    config: JsonObject,
    path: readonly string[],
  ): Promise<StandardSchemaV1.InferOutput<Schema> | undefined> {
    const read = await schema["~standard"].validate(config);
    if (!read.issues) return read.value;
    for (const issue of read.issues) this.problems.push(...issueProblems(issue, path));
    return undefined;
  }
}

/** A problem for each unknown member that an issue of zod names together. */
function issueProblems(issue: StandardSchemaV1.Issue, base: readonly string[]): readonly Problem[] {
  const path = [...base, ...(issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))];
  const { code, keys } = issue as { readonly code?: unknown; readonly keys?: unknown };
  if (code !== "unrecognized_keys" || !Array.isArray(keys)) return [{ path, message: issue.message }];
  return keys.map((key) => ({ path: [...path, String(key)], message: `There is no setting "${key}" here.` }));
}
