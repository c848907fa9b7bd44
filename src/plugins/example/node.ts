import { z } from "zod";
import { WeftlineError } from "#weftline";
import { defineNodeKind, type NodeContext } from "#plugins/workflows";
import { keepToolName, keptNote } from "./tool.ts";

/** The settings as they are written: `text` may hold expressions, so it may be anything once they are evaluated. */
const config = z.strictObject({ text: z.string().min(1), review: z.boolean().default(false) });

/**
 * Keeps a note at the end of a workflow. Whatever it does goes through its context: a lost process or a wait has it called again, and calls and
 * questions of the same attempt answer as before.
 */
export const noteNode = defineNodeKind({
  kind: "example.note",
  description: "Keeps a note for the owner of the run; with review, a person looks it over first. Its output is the note.",
  config,
  startsByContext: true,
  references: () => ({ tools: [keepToolName] }),
  outputSchema: () => keptNote,
  run: async (ctx, { text, review }) => ctx.callTool(keepToolName, { text: review ? await reviewed(ctx, text) : text }),
});

/** The text as a person lets it pass. @throws NODE_REJECTED, NODE_EXPIRED, RUN_CANCELLED. */
async function reviewed(ctx: NodeContext, text: unknown): Promise<unknown> {
  const outcome = await ctx.ask({
    kind: "REVIEW",
    message: "Keep this note?",
    arguments: { text },
    responseSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
    allowed: ["APPROVE", "EDIT", "REJECT"],
  });
  if (outcome.status !== "RESOLVED")
    throw outcome.status === "EXPIRED" ? new WeftlineError("NODE_EXPIRED", { node: ctx.key }) : new WeftlineError("RUN_CANCELLED");
  const { kind, payload, reason } = outcome.decision;
  if (kind === "REJECT") throw new WeftlineError("NODE_REJECTED", { node: ctx.key, reason: reason ? `: ${reason}` : "." });
  return kind === "EDIT" ? (payload as { readonly text: string }).text : text;
}
