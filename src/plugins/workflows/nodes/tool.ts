import { z } from "zod";
import { defineNodeKind } from "../contract.ts";
import { knownRef } from "./refs.ts";

const config = z.strictObject({ tool: z.string().trim().min(1), arguments: z.unknown().optional() });

/** Calls a tool and gives its result. */
export const toolNode = defineNodeKind({
  kind: "tool",
  description: "Calls a tool; its result is the node's output.",
  config,
  startsByContext: true,
  references: ({ tool }) => ({ tools: [knownRef(tool)] }),
  run: (ctx, { tool, arguments: args = {} }) => ctx.callTool(tool, args),
});
