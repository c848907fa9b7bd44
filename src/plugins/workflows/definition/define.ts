import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { JoinPolicy, JsonObject, OnError } from "./types.ts";

/** A schema that validates and that has a JSON Schema, as those of zod. */
export type TypedSchema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output> & StandardJSONSchemaV1<Input, Output>;

/** A duration of ISO 8601, as in `PT30S`, or milliseconds. */
export type WrittenDuration = string | number;

/** A retry policy as it is written. */
export interface WrittenRetry {
  readonly attempts: number;
  readonly delay?: WrittenDuration;
  readonly factor?: number;
  readonly jitter?: boolean;
}

/** What is done inside a map or a loop, as it is written. */
export interface WrittenInner {
  readonly kind: string;
  readonly config?: JsonObject;
  readonly retry?: WrittenRetry;
  readonly timeout?: WrittenDuration;
  readonly onError?: Exclude<OnError, "ROUTE">;
}

type Ref = string | { readonly name: string } | { readonly id: string };

interface Approvers {
  readonly roles?: readonly string[];
  readonly actors?: readonly string[];
}

/** The settings of the kinds that come with workflows, as they are written. */
export interface WrittenConfigs<Key extends string> {
  readonly agent: { readonly agent: Ref } & (
    | { readonly text: string; readonly input?: never }
    | { readonly input: unknown; readonly text?: never }
  );
  readonly tool: { readonly tool: string; readonly arguments?: unknown };
  readonly workflow: { readonly workflow: Ref; readonly input?: unknown };
  readonly transform: { readonly expression: string };
  readonly branch: { readonly cases: readonly { readonly when: string; readonly to: Key }[]; readonly else?: Key };
  readonly map: { readonly over: string; readonly as?: string; readonly node: WrittenInner; readonly concurrency?: number };
  readonly loop: { readonly while: string; readonly max: number; readonly node: WrittenInner };
  readonly approval: {
    readonly message: string;
    readonly allowed?: readonly ("APPROVE" | "EDIT" | "REJECT")[];
    readonly approvers?: Approvers;
  };
  readonly input: { readonly message: string; readonly responseSchema?: JsonObject; readonly approvers?: Approvers };
  readonly wait:
    | { readonly duration: WrittenDuration; readonly until?: never; readonly signal?: never }
    | { readonly until: string; readonly duration?: never; readonly signal?: never }
    | { readonly signal: string; readonly duration?: never; readonly until?: never };
}

/** A node as it is written. It names nodes that there are, and its settings are those of its kind. */
export interface WrittenNode<Kind extends string, Key extends string> {
  readonly kind: Kind;
  readonly name?: string;
  readonly dependsOn?: readonly Key[];
  readonly when?: string;
  readonly config: Kind extends keyof WrittenConfigs<Key> ? WrittenConfigs<Key>[Kind] : JsonObject;
  readonly retry?: WrittenRetry;
  readonly timeout?: WrittenDuration;
  readonly join?: JoinPolicy;
  readonly joinCount?: number;
  readonly onError?: OnError;
  readonly errorNode?: Key;
  readonly undo?: Key;
}

/** Nodes by their keys, in the order in which they are shown. */
export type WrittenNodes<Kinds extends Readonly<Record<string, string>>> = {
  readonly [Key in keyof Kinds]: WrittenNode<Kinds[Key], NoInfer<Extract<keyof Kinds, string>>>;
};

/** A workflow as a plugin writes it. */
export interface WorkflowSpec<Input extends TypedSchema, Output extends TypedSchema> {
  /** Unique in each tenant, as names of workflows are. */
  readonly name: string;
  readonly description?: string;
  readonly input?: Input;
  /** What its last nodes give. */
  readonly output?: Output;
}

/** A workflow that a plugin brings. Make one with {@link defineWorkflow}. */
export interface PluginWorkflow<Input = unknown, Output = unknown> {
  readonly name: string;
  readonly description: string;
  /** As in `createWorkflow`. */
  readonly nodes: readonly JsonObject[];
  readonly inputSchema?: JsonObject;
  readonly outputSchema?: JsonObject;
  /** The types of its input and output; there is no value. */
  readonly types?: { readonly input: Input; readonly output: Output };
}

/**
 * A workflow in TypeScript. A typo in the key of a node, or in the settings of a kind that comes with workflows, does not compile.
 *
 * @example
 * export const digest = defineWorkflow({
 *   name: "digest",
 *   input: z.object({ topic: z.string() }),
 *   nodes: {
 *     draft: { kind: "agent", config: { agent: "writer", text: "Write about {{ input.topic }}." } },
 *     check: { kind: "approval", dependsOn: ["draft"], config: { message: "Publish? {{ nodes.draft.output }}" } },
 *   },
 * });
 * // in the plugin: contributes: [contribution(workflowDefinitions, digest.name, digest)]
 */
export function defineWorkflow<
  const Kinds extends Readonly<Record<string, string>>,
  Input extends TypedSchema = TypedSchema,
  Output extends TypedSchema = TypedSchema,
>(
  spec: WorkflowSpec<Input, Output> & { readonly nodes: WrittenNodes<Kinds> },
): PluginWorkflow<StandardSchemaV1.InferInput<Input>, StandardSchemaV1.InferOutput<Output>> {
  const { name, description = "", input, output, nodes } = spec;
  const target = "draft-2020-12";
  return {
    name,
    description,
    ...(input && { inputSchema: input["~standard"].jsonSchema.input({ target }) }),
    ...(output && { outputSchema: output["~standard"].jsonSchema.output({ target }) }),
    nodes: Object.entries<object>(nodes).map(([key, node]) => ({ key, ...node })),
  };
}
