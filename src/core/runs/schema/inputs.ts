import { extendedInputs, inputNamed } from "../../graphql/extend.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { DecisionKind, OnBusy } from "../types.ts";
import { addRunLimits, type RunLimitsInput } from "./limits.ts";
import type { StartRunInput } from "./start.ts";

/** `RetryRunInput`. */
export interface RetryRunInput {
  readonly run: string;
  /** Where a plugin has runs with nodes. */
  readonly fromNode?: string | null;
  readonly checkpoint?: string | null;
  readonly idempotencyKey?: string | null;
}

/** `DecideInterruptInput`. */
export interface DecideInterruptInput {
  readonly interrupt: string;
  readonly kind: DecisionKind;
  readonly argumentsHash?: string | null;
  readonly arguments?: unknown;
  readonly payload?: unknown;
  readonly reason?: string | null;
}

export const repeatable = "Makes it safe to send this again: for 24 hours the same key and body give the first answer.";

export function addInputs(builder: GraphBuilder): void {
  addRunLimits(builder);
  addTargetInput(builder);
  builder.inputType(inputNamed<StartRunInput>(builder, "StartRunInput"), {
    description: "A run to start.",
    fields: (t) => ({
      target: t.field({
        type: inputNamed<StartRunInput["target"]>(builder, "RunTargetInput"),
        required: true,
        description: "What to run.",
      }),
      input: t.field({ type: "JSON", description: "What it works on; with text and outputSchema at most 256 KiB." }),
      text: t.string({ description: "What to say to it; with input and outputSchema at most 256 KiB." }),
      outputSchema: t.field({ type: "JSON", description: "JSON Schema of the output; the target's own by default." }),
      metadata: t.field({
        type: "JSON",
        description:
          "A JSON object to keep with the run and to find it by: at most 32 members, 8 levels and 16 KiB. A retry of the run has it, too.",
      }),
      idempotencyKey: t.string({ description: repeatable }),
      onBusy: t.field({ type: OnBusy, defaultValue: "ENQUEUE", description: "What to do while another run is open there." }),
      limits: t.field({ type: inputNamed<RunLimitsInput>(builder, "RunLimitsInput"), description: "What it may use up." }),
    }),
  });
  builder.inputType(inputNamed<RetryRunInput>(builder, "RetryRunInput"), {
    description: "A finished run to repeat.",
    fields: (t) => ({
      run: t.id({ required: true, description: "The run." }),
      checkpoint: t.id({ description: "One of its checkpoints: the new run starts with the state at it, not at the beginning." }),
      idempotencyKey: t.string({ description: repeatable }),
    }),
  });
  builder.inputType(inputNamed<DecideInterruptInput>(builder, "DecideInterruptInput"), {
    description:
      "A decision for exactly one call: argumentsHash must equal the interrupt's. The same decision again is a success, another one a ConflictError.",
    fields: (t) => ({
      interrupt: t.id({ required: true, description: "The interrupt." }),
      kind: t.field({ type: DecisionKind, required: true, description: "What is decided; one of those that the interrupt allows." }),
      argumentsHash: t.string({ description: "The interrupt's, where it has one." }),
      arguments: t.field({ type: "JSON", description: "EDIT: the arguments, or what was to be reviewed, to use instead." }),
      payload: t.field({ type: "JSON", description: "ANSWER: the answer." }),
      reason: t.string({ description: "Why, in words; on REJECT the agent is told." }),
    }),
  });
}

/** Plugins with targets add the fields. An input without any is not valid, so a host without such a plugin has one that says so. */
function addTargetInput(builder: GraphBuilder): void {
  const name = "RunTargetInput";
  builder.inputType(inputNamed<StartRunInput["target"]>(builder, name), {
    description: "What to run: one of these.",
    isOneOf: true,
    fields: (t) =>
      (extendedInputs(builder).has(name) ? {} : { none: t.boolean({ description: "No plugin here has anything to run." }) }) as Record<
        string,
        never
      >,
  });
}
