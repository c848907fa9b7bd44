import { z } from "zod";
import { defineNodeKind } from "../contract.ts";

const config = z.strictObject({
  // What a run may call is known before it starts.
  tool: z
    .string()
    .trim()
    .min(1)
    .refine((name) => !name.includes("{{"), "Write the tool's name itself: it cannot be an expression."),
  arguments: z.unknown().optional(),
});

/** Calls a tool and gives its result. */
export const toolNode = defineNodeKind({
  kind: "tool",
  description: "Calls a tool; its result is the node's output.",
  config,
  startsByContext: true,
  references: ({ tool }) => ({ tools: [tool] }),
  run: (ctx, { tool, arguments: args = {} }) => ctx.callTool(tool, args),
});
