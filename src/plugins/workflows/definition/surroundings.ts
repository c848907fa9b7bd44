import type { MaybePromise, ValueType } from "#weftline";
import type { NamedRef, WorkflowNodeKind } from "../contract.ts";
import type { Problem } from "./fields.ts";
import type { JsonObject } from "./types.ts";

/** What a node can name, as far as expressions and constants are checked against it. */
export interface NamedTarget {
  /** JSON Schema of its input; absent where any is taken. */
  readonly inputSchema?: JsonObject | undefined;
  /** JSON Schema of its output, where it is known. */
  readonly outputSchema?: JsonObject | undefined;
}

/** What a definition is checked against: what is installed, as the viewer sees it. */
export interface Surroundings {
  /** The type of `memory` in expressions; absent where no plugin has one. */
  readonly memory?: ValueType;
  /** By their name. */
  readonly kinds: ReadonlyMap<string, WorkflowNodeKind<never>>;
  /** @returns undefined where there is none that the viewer sees. */
  agent(ref: NamedRef): MaybePromise<NamedTarget | undefined>;
  tool(name: string): MaybePromise<NamedTarget | undefined>;
  workflow(ref: NamedRef): MaybePromise<NamedTarget | undefined>;
  /** What is wrong with who may decide what a node asks; paths within the approvers. */
  approverProblems?(approvers: JsonObject): MaybePromise<readonly Problem[]>;
  /** Why something is no JSON Schema that can be used, or nothing. */
  schemaProblem(schema: unknown): MaybePromise<string | undefined>;
  /** What is wrong with a value by a JSON Schema; paths within the value. */
  checkSchema(schema: JsonObject, value: unknown): MaybePromise<readonly Problem[]>;
}
