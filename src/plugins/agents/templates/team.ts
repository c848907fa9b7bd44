import { characters } from "#weftline";
import { z } from "zod";

/** The name of an agent. */
export function agentName(description: string): z.ZodString {
  return z.string().trim().superRefine(characters(1, 100)).meta({ minLength: 1, maxLength: 100 }).describe(description);
}

/** Which framework plays the agents that a template makes. */
export const frameworkChoice = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .optional()
  .describe("The framework of the agents that it makes, as in langgraph; the one of the shipped templates by default.");
