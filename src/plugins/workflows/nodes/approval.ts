import { z } from "zod";
import { WeftlineError } from "#weftline";
import { defineNodeKind } from "../contract.ts";
import { textOf } from "../definition/templates.ts";
import { approversOf, approversSchema, decisionOf } from "./questions.ts";

const config = z.strictObject({
  message: z.string().min(1),
  allowed: z
    .array(z.enum(["APPROVE", "EDIT", "REJECT"]))
    .min(1)
    .refine((allowed) => allowed.some((kind) => kind !== "REJECT"), "With REJECT alone it could only fail.")
    .default(["APPROVE", "REJECT"]),
  approvers: approversSchema.optional(),
});

/** Asks a person whether the run may go on. */
export const approvalNode = defineNodeKind({
  kind: "approval",
  description:
    "Asks a person whether to go on: fails where that is rejected or nobody answers in time. Its output is the decision's payload.",
  config,
  startsByContext: true,
  async run(ctx, { message, allowed, approvers }) {
    const question = { kind: "REVIEW" as const, message: textOf(message), allowed, ...approversOf(approvers) };
    const { kind, reason, payload } = decisionOf(ctx, await ctx.ask(question));
    if (kind === "REJECT") throw new WeftlineError("NODE_REJECTED", { node: ctx.key, reason: reason ? `: ${reason}` : "." });
    return payload ?? null;
  },
});
