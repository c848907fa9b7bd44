import type { WorkflowNodeKind } from "../../contract.ts";
import type { Compiled } from "../../definition/templates.ts";
import type { RetryPolicy } from "../../definition/types.ts";
import type { Plan } from "../../state/plan.ts";

/** An expression, or settings with expressions in them. */
export type Evaluable = Compiled<unknown>;

/** What is done once a unit, whatever it belongs to. */
export interface Work {
  readonly kind: WorkflowNodeKind<never>;
  readonly config: Evaluable;
  readonly retry?: RetryPolicy | undefined;
  readonly timeoutMs?: number | undefined;
  /** Names of the tools that it may call. */
  readonly tools: readonly string[];
}

/** A node, compiled: what its units do. */
export type CompiledNode = { readonly when?: Evaluable | undefined } & (
  | ({ readonly type: "work" } & Work)
  | { readonly type: "branch"; readonly cases: readonly { readonly when: Evaluable; readonly to: string }[]; readonly other: string | null }
  | {
      readonly type: "map";
      readonly over: Evaluable;
      readonly as: string;
      readonly concurrency: number;
      readonly inner: Work;
      /** What a failed item does: fail the map, or give null. */
      readonly onError: "FAIL" | "CONTINUE";
    }
  | {
      readonly type: "loop";
      readonly while: Evaluable;
      readonly max: number;
      readonly inner: Work;
      readonly onError: "FAIL" | "CONTINUE";
    }
);

/** A version of a workflow, ready to run. */
export interface CompiledWorkflow {
  readonly plan: Plan;
  readonly nodes: ReadonlyMap<string, CompiledNode>;
  /** Names of the tools that its nodes call. */
  readonly tools: readonly string[];
}
