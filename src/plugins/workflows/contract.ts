import type { StandardSchemaV1 } from "@standard-schema/spec";
import { extensionPoint, type Logger, type MaybePromise, type Question, type QuestionOutcome } from "#weftline";
import type { PluginWorkflow } from "./definition/define.ts";
import type { JsonObject } from "./definition/types.ts";

export {
  defineWorkflow,
  type PluginWorkflow,
  type TypedSchema,
  type WorkflowSpec,
  type WrittenConfigs,
  type WrittenDuration,
  type WrittenInner,
  type WrittenNode,
  type WrittenNodes,
  type WrittenRetry,
} from "./definition/define.ts";
export {
  JoinPolicy,
  OnError,
  type InnerNode,
  type JsonObject,
  type NodeDefinition,
  type RetryPolicy,
  type WorkflowDefinition,
} from "./definition/types.ts";

/** A run that a node starts below its own. */
export interface ChildRequest {
  /** As in `startRun`: the field of `RunTargetInput` and its value, as `{ agent: { name: "writer" } }`. */
  readonly target: JsonObject;
  readonly text?: string;
  readonly input?: unknown;
}

/** What a node works with during one attempt. */
export interface NodeContext {
  readonly runId: string;
  /** The unit: `key`, or `key/iteration` inside a map or a loop. */
  readonly key: string;
  readonly attempt: number;
  /** Aborts when the run is cancelled, another node failed it, or the node's time is over. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The same for all attempts whose outcome is unknown: pass it on to whatever must not happen twice. */
  readonly idempotencyKey: string;
  /**
   * Calls a tool by the one way that tools are called: validation, policy, approval, timeout and audit sit behind it.
   *
   * @returns its result.
   * @throws RUN_SUSPENDED while a person has to decide; TOOL_FAILED or TOOL_DENIED.
   */
  callTool(name: string, args: unknown): Promise<unknown>;
  /**
   * Starts a run below this one, once an attempt and before anything else, and gives its output.
   *
   * @throws RUN_SUSPENDED while it is open; CHILD_RUN_FAILED.
   */
  runChild(request: ChildRequest): Promise<unknown>;
  /** Asks a person, once an attempt. @throws RUN_SUSPENDED while it is pending. */
  ask(question: Omit<Question, "key" | "step">): Promise<QuestionOutcome>;
  /**
   * Waits, by the database's clock. Like `runChild` it has to be the first thing that an attempt does: a node that works and then waits is two nodes.
   *
   * @param until in milliseconds since 1970.
   * @throws RUN_SUSPENDED until then; NODE_TIMEOUT where the node's timeout is shorter.
   */
  wait(until: { readonly forMs: number } | { readonly until: number }): Promise<void>;
  /** The payload of the oldest signal of a name that no other node took. @throws RUN_SUSPENDED until there is one. */
  signalled(name: string): Promise<unknown>;
}

/** Names an agent or a workflow: by its name, or by its id in the graph. */
export type NamedRef = string | { readonly name: string } | { readonly id: string };

/** What a node's settings name outside the workflow, so that a typo is found before a run. */
export interface NodeReferences {
  readonly agents?: readonly (NamedRef | undefined)[];
  readonly tools?: readonly (string | undefined)[];
  readonly workflows?: readonly (NamedRef | undefined)[];
}

/** A kind of node. {@link defineNodeKind} types it by its settings. */
export interface WorkflowNodeKind<Config = unknown> {
  /** As in `agent`; also the key at {@link workflowNodes}. */
  readonly kind: string;
  /** What it does, for people. */
  readonly description: string;
  /** Validates a node's `config` as it is written, before expressions in its strings are evaluated. */
  readonly config: StandardSchemaV1;
  /** Names of the members of `config` that are CEL as a whole; in every other string `{{ expression }}` is replaced. */
  readonly expressions?: readonly string[];
  /** What it names. A name that is a template is known only when it runs: give `undefined` for it. */
  references?(config: Config): NodeReferences;
  /** JSON Schema of the output, where the settings tell it. */
  outputSchema?(config: Config): JsonObject | undefined;
  /**
   * Whether it does nothing but through its context, or nothing that leaves a trace: its start is then logged with the first of these. Else the start
   * is durable before `run` is called. False by default.
   */
  readonly startsByContext?: boolean;
  /**
   * One attempt. It is called again after a wait and after a lost process: calls, child runs and questions of the same attempt answer as before,
   * so write it as if it never stopped.
   *
   * @param config with its expressions evaluated.
   * @returns the node's output: JSON, or nothing.
   * @throws what goes wrong: the attempt fails with it. RUN_SUSPENDED has to pass.
   */
  run(ctx: NodeContext, config: Config): MaybePromise<unknown>;
}

/** A {@link WorkflowNodeKind} typed by the schema of its settings. */
export interface NodeKindSpec<Schema extends StandardSchemaV1> extends WorkflowNodeKind<StandardSchemaV1.InferOutput<Schema>> {
  readonly config: Schema;
}

/**
 * Types a kind of node by the schema of its settings.
 *
 * @example
 * export const notesNode = defineNodeKind({
 *   kind: "notes",
 *   description: "Keeps a note.",
 *   config: z.strictObject({ text: z.string() }),
 *   run: async (ctx, { text }) => ({ id: await keep(text, ctx.idempotencyKey) }),
 * });
 */
export function defineNodeKind<Schema extends StandardSchemaV1>(
  spec: NodeKindSpec<Schema>,
): WorkflowNodeKind<StandardSchemaV1.InferOutput<Schema>> {
  return spec;
}

/**
 * Where plugins put {@link WorkflowNodeKind}s, by their kind.
 *
 * @example contributes: [contribution(workflowNodes, "notes", notesNode)]
 */
export const workflowNodes = extensionPoint<WorkflowNodeKind<never>>("workflows.nodes");

/**
 * Where plugins put workflows, by name. They belong to the platform: everybody may run them, and they change with the plugin only.
 *
 * @example contributes: [contribution(workflowDefinitions, digest.name, digest)]
 */
export const workflowDefinitions = extensionPoint<PluginWorkflow>("workflows.definitions");
