import { z } from "zod";
import { openaiOptions } from "#plugins/openai";

/** What an agent of this framework can set: what every agent over OpenAI's protocol can, and its graph. */
export const langgraphOptions = openaiOptions.extend({
  graph: z
    .string()
    .optional()
    .describe("The graph: the name of one that the host provides. Without it: an agent that has its tools called."),
  output: z.string().optional().describe("The value of the graph's state that is the run's output; its last message unless said."),
});

export type LangGraphOptions = z.output<typeof langgraphOptions>;

/** The options as JSON Schema, for forms. */
export const langgraphOptionsSchema = z.toJSONSchema(langgraphOptions, { io: "input" }) as Readonly<Record<string, unknown>>;
