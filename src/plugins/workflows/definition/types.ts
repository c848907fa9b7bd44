import { enumKey } from "#weftline";

export const JoinPolicy = enumKey("ALL", "ANY", "COUNT");
export type JoinPolicy = keyof typeof JoinPolicy;
export const OnError = enumKey("FAIL", "CONTINUE", "ROUTE");
export type OnError = keyof typeof OnError;

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** When and how often a node is tried again. Times in milliseconds. */
export interface RetryPolicy {
  /** All attempts together, the first included: 1 to 20. */
  readonly attempts: number;
  /** Before the second attempt. */
  readonly delayMs: number;
  /** What each further delay is multiplied by: 1 to 10. No delay is longer than an hour. */
  readonly factor: number;
  /** Whether a delay is drawn between half of it and all of it. */
  readonly jitter: boolean;
}

/** One node of a workflow, checked, with its defaults filled in. */
export interface NodeDefinition {
  /** Unique in its workflow: a letter, then letters, digits and `_`; at most 64 characters. */
  readonly key: string;
  readonly kind: string;
  /** For people; the key by default. */
  readonly name: string;
  readonly dependsOn: readonly string[];
  /** CEL of a boolean: where it is false the node is skipped. */
  readonly when?: string;
  /** What the node's kind asks for, as it was written. */
  readonly config: JsonObject;
  readonly retry?: RetryPolicy;
  /** For one attempt. */
  readonly timeoutMs?: number;
  readonly join: JoinPolicy;
  readonly joinCount?: number;
  readonly onError: OnError;
  /** The node that takes over where this one fails: with `onError` ROUTE. */
  readonly errorNode?: string;
  /** The node that undoes this one when the run fails or is cancelled. */
  readonly undo?: string;
}

/** What a workflow runs: the content of one version. */
export interface WorkflowDefinition {
  /** JSON Schema of the input; absent where any is taken. */
  readonly inputSchema?: JsonObject;
  /** In the order in which they were written. */
  readonly nodes: readonly NodeDefinition[];
}

/** One node inside a `map` or a `loop`: run once an item, or once a round. */
export interface InnerNode {
  readonly kind: string;
  readonly config: JsonObject;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  /** CONTINUE gives null for an item that failed; FAIL by default. */
  readonly onError: Exclude<OnError, "ROUTE">;
}
