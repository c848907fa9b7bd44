import { z } from "zod";
import { defineTemplate, type AgentTemplate } from "../contract.ts";
import { language, paragraphs, phrase, type TemplateBase } from "./base.ts";

const tones = {
  friendly: "Be warm and patient; acknowledge the trouble before you solve it.",
  formal: "Be polite and precise; address the customer formally.",
  plain: "Be brief and plain; give the steps to take and nothing else.",
} as const;

const parameters = z.strictObject({
  company: phrase("The company whose customers it helps."),
  escalationContact: phrase("Whom it writes to when it cannot help, as in support@example.com."),
  product: phrase("What the customers have, where it is one product.").optional(),
  tone: z.enum(["friendly", "formal", "plain"]).default("friendly").describe("How it speaks."),
  language: language.optional().describe("The language of its answers, as in English; that of the customer by default."),
});

/** Customer support that hands over to people: its messages to them wait for approval. */
export function support({ framework, model }: TemplateBase): AgentTemplate {
  return defineTemplate({
    name: "support",
    description: "Customer support that hands over to a person; each message that it sends waits for approval.",
    framework,
    parameters,
    parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
    build: ({ company, escalationContact, product, tone, language: spoken }) => ({
      description: `Customer support of ${company}.`,
      ...(model === undefined ? {} : { model }),
      capabilities: ["time.now", "message.send"],
      instructions: paragraphs(
        `You are the customer support of ${company}.${product === undefined ? "" : ` Its customers use ${product}.`}`,
        tones[tone],
        spoken === undefined ? "Answer in the language of the customer." : `Answer in ${spoken}.`,
        "Ask for what you need to understand the problem, one question at a time. " +
          "Never promise refunds, dates or exceptions, and never ask for passwords or card numbers.",
        "When you cannot solve a problem, or the customer asks for a person, tell the customer that you pass it on. " +
          `Then send a message with the tool message.send to ${escalationContact}: who the customer is, what happened, what you tried. ` +
          "A person approves each message before it goes out; if it is refused, tell the customer that nothing was sent.",
      ),
    }),
  });
}
