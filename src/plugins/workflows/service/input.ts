import type { NodeDefinition, JoinPolicy, OnError, RetryPolicy, WorkflowDefinition } from "../definition/types.ts";

/** `RetryPolicyInput`, with its duration in milliseconds. */
export interface RetryPolicyInput {
  readonly attempts: number;
  readonly delay?: number | null | undefined;
  readonly factor?: number | null | undefined;
  readonly jitter?: boolean | null | undefined;
}

/** `WorkflowNodeInput`, with its durations in milliseconds. */
export interface WorkflowNodeInput {
  readonly key: string;
  readonly kind: string;
  readonly name?: string | null | undefined;
  readonly dependsOn?: readonly string[] | null | undefined;
  readonly when?: string | null | undefined;
  readonly config?: unknown;
  readonly retry?: RetryPolicyInput | null | undefined;
  readonly timeout?: number | null | undefined;
  readonly join?: JoinPolicy | null | undefined;
  readonly joinCount?: number | null | undefined;
  readonly onError?: OnError | null | undefined;
  readonly errorNode?: string | null | undefined;
  readonly undo?: string | null | undefined;
}

/** The part of an input that becomes a version. */
export interface DefinitionInput {
  readonly inputSchema?: unknown;
  readonly nodes: readonly WorkflowNodeInput[];
}

/** A checked definition as an input would give it, for checking it again. */
export function inputOf({ inputSchema, nodes }: WorkflowDefinition): DefinitionInput {
  return { inputSchema, nodes: nodes.map(nodeInputOf) };
}

function nodeInputOf({ timeoutMs, retry, ...node }: NodeDefinition): WorkflowNodeInput {
  return { ...node, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }), ...(retry ? { retry: retryInputOf(retry) } : {}) };
}

function retryInputOf({ delayMs, ...retry }: RetryPolicy): RetryPolicyInput {
  return { ...retry, delay: delayMs };
}
