import { z } from "zod";
import { defineNodeKind } from "../contract.ts";
import { textOf } from "../definition/templates.ts";
import { knownRef, refInput, refSchema } from "./refs.ts";

const config = z
  .strictObject({ agent: refSchema, text: z.string().optional(), input: z.unknown().optional() })
  .superRefine((given, ctx) => {
    if ((given.text === undefined) === (given.input === undefined)) ctx.addIssue('An agent is given "text" or "input".');
  });

/** Runs an agent below the run and gives its output. */
export const agentNode = defineNodeKind({
  kind: "agent",
  description: "Runs an agent with a text or a structured input; its output is the node's.",
  config,
  startsByContext: true,
  references: ({ agent }) => ({ agents: [knownRef(agent)] }),
  run: (ctx, { agent, text, input }) =>
    ctx.runChild({ target: { agent: refInput(agent) }, ...(text === undefined ? { input } : { text: textOf(text) }) }),
});
