import { z } from "zod";
import { defineNodeKind } from "../contract.ts";

// As written it is a text; evaluated it is any value.
const config = z.strictObject({ expression: z.string().min(1) }).transform(({ expression }) => ({ expression: expression as unknown }));

/** Gives the value of an expression. */
export const transformNode = defineNodeKind({
  kind: "transform",
  description: "Evaluates an expression; its value is the node's output.",
  config,
  startsByContext: true,
  expressions: ["expression"],
  run: (_ctx, { expression }) => expression,
});
