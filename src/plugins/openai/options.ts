import { z } from "zod";

/** What an agent of this framework can set. What is left out is the provider's default. */
export const openaiOptions = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe("How freely the model chooses; some models take only their default."),
  topP: z.number().min(0).max(1).optional().describe("Chooses from the likeliest words that make up this share."),
  maxOutputTokens: z.int().min(1).max(1_000_000).optional().describe("Most tokens of one answer, reasoning included."),
  maxSteps: z.int().min(1).max(1_000).default(16).describe("Most model calls of one run."),
  parallelToolCalls: z.boolean().optional().describe("Whether the model may ask for several tools at once."),
  reasoningEffort: z
    .enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
    .optional()
    .describe("How long a reasoning model thinks; it then also shows a summary of its thoughts."),
  api: z.enum(["responses", "chat"]).optional().describe("Which of OpenAI's two APIs to use; the binding's own by default."),
});

export type OpenAIOptions = z.output<typeof openaiOptions>;

/** The options as JSON Schema, for forms. */
export const openaiOptionsSchema = z.toJSONSchema(openaiOptions, { io: "input" }) as Readonly<Record<string, unknown>>;
