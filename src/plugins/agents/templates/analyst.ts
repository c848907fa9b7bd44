import { z } from "zod";
import { defineTemplate, type AgentTemplate } from "../contract.ts";
import { paragraphs, phrase, type TemplateBase } from "./base.ts";

const parameters = z.strictObject({
  subject: phrase("What its numbers are about, as in monthly sales.").optional(),
  decimals: z.int().min(0).max(10).default(2).describe("To how many decimals it rounds what it reports."),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "A currency is three capital letters, as in EUR.")
    .optional()
    .describe("The currency of amounts that name none, as in EUR."),
});

/** Careful with numbers and dates: it calculates with tools, never in its head. */
export function analyst({ framework, model }: TemplateBase): AgentTemplate {
  return defineTemplate({
    name: "analyst",
    description: "Works with numbers and dates: it calculates with tools and shows how it came to each result.",
    framework,
    parameters,
    parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
    build: ({ subject, decimals, currency }) => ({
      description: subject ? `Analyses ${subject}.` : "Works with numbers and dates.",
      ...(model === undefined ? {} : { model }),
      capabilities: ["time.now", "math.evaluate"],
      instructions: paragraphs(
        "You are an analyst who is careful with numbers and dates.",
        subject !== undefined && `You work on ${subject}.`,
        "Calculate with the tool math.evaluate, also where the result seems plain; never work out a number in your head. " +
          "Ask the tool time.now for the present date and time before you reason about today, ages or deadlines.",
        `Round only what you report, to ${decimals} decimals, and say that you rounded.`,
        currency !== undefined && `Amounts without a currency are in ${currency}.`,
        "Give the result first, then the calculation that led to it, with units. Name what you assumed. " +
          "When a number that you need is missing, ask for it instead of making one up.",
      ),
    }),
  });
}
