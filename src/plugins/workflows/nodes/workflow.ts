import { z } from "zod";
import { defineNodeKind } from "../contract.ts";
import { knownRef, refInput, refSchema } from "./refs.ts";

const config = z.strictObject({ workflow: refSchema, input: z.unknown().optional() });

/** Runs another workflow below the run and gives its output. */
export const workflowNode = defineNodeKind({
  kind: "workflow",
  description: "Runs another workflow; its output is the node's.",
  config,
  startsByContext: true,
  references: ({ workflow }) => ({ workflows: [knownRef(workflow)] }),
  run: (ctx, { workflow, input }) => ctx.runChild({ target: { workflow: refInput(workflow) }, ...(input === undefined ? {} : { input }) }),
});
