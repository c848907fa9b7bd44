import { z } from "zod";
import { defineNodeKind } from "../contract.ts";
import { textOf } from "../definition/templates.ts";
import { approversOf, approversSchema, decisionOf } from "./questions.ts";

const config = z.strictObject({
  message: z.string().min(1),
  responseSchema: z.record(z.string(), z.unknown()).optional(),
  approvers: approversSchema.optional(),
});

/** Asks a person for something that only people know. */
export const inputNode = defineNodeKind({
  kind: "input",
  description: "Asks a person for a value; the answer is the node's output. Fails where nobody answers in time.",
  config,
  startsByContext: true,
  outputSchema: ({ responseSchema }) => responseSchema,
  async run(ctx, { message, responseSchema, approvers }) {
    const question = {
      kind: "INPUT" as const,
      message: textOf(message),
      allowed: ["ANSWER" as const],
      ...(responseSchema && { responseSchema }),
      ...approversOf(approvers),
    };
    return decisionOf(ctx, await ctx.ask(question)).payload ?? null;
  },
});
