import { z } from "zod";
import { defineTemplate, type AgentTemplate } from "../contract.ts";
import { language, paragraphs, phrase, type TemplateBase } from "./base.ts";

const tones = {
  plain: "Be brief and plain. Lead with the answer, then say why where it helps.",
  friendly: "Be warm and encouraging, in everyday words.",
  formal: "Be polite and precise, in whole sentences and without slang.",
} as const;

const parameters = z.strictObject({
  tone: z.enum(["plain", "friendly", "formal"]).default("plain").describe("How it speaks."),
  language: language.optional().describe("The language of its answers, as in English; that of the user by default."),
  expertise: phrase("What it knows best, as in tax law for small companies.").optional(),
});

/** A general helper. */
export function assistant({ framework, model }: TemplateBase): AgentTemplate {
  return defineTemplate({
    name: "assistant",
    description: "A general helper that answers questions and writes, in the tone and language that you choose.",
    framework,
    parameters,
    parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
    build: ({ tone, language: spoken, expertise }) => ({
      description: expertise ? `A helper with expertise in ${expertise}.` : "A general helper.",
      ...(model === undefined ? {} : { model }),
      instructions: paragraphs(
        "You are a helpful assistant. You answer questions, explain, and write what you are asked to write.",
        expertise !== undefined && `Your expertise is ${expertise}. Say so when a question lies outside of it.`,
        tones[tone],
        spoken === undefined ? "Answer in the language of the user." : `Answer in ${spoken}, whatever language you are asked in.`,
        "When you do not know something, say so instead of guessing. Ask one short question when the request can be read in two ways.",
      ),
    }),
  });
}
