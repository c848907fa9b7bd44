import { z } from "zod";
import { defineTemplate, type AgentTemplate } from "../contract.ts";
import { paragraphs, phrase, type TemplateBase } from "./base.ts";
import { agentName, frameworkChoice } from "./team.ts";

const parameters = z
  .strictObject({
    subject: phrase("What it researches, as in weaving.").optional(),
    researcher: agentName("The agent that finds facts; made where there is none of the name.").default("Researcher"),
    critic: agentName("The agent that looks for what is wrong; made where there is none of the name.").default("Critic"),
    framework: frameworkChoice,
  })
  .refine(({ researcher, critic }) => researcher !== critic, {
    path: ["critic"],
    message: "The critic is another agent than the researcher.",
  });

/** A lead that asks a researcher and a critic before it writes; those are made with it. */
export function researchTeam(base: TemplateBase): AgentTemplate {
  return defineTemplate({
    name: "research-team",
    description:
      "A lead that asks a researcher and a critic before it writes. It makes those two as well, where there are none of their names.",
    framework: base.framework,
    parameters,
    parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
    build: ({ subject, researcher, critic, framework = base.framework }) => {
      const common = { framework, ...(base.model === undefined ? {} : { model: base.model }) };
      const about = subject === undefined ? "" : ` You work on ${subject}.`;
      return {
        ...common,
        description: subject ? `Researches ${subject} with a team.` : "Researches with a team.",
        capabilities: [`agent.${researcher}`, `agent.${critic}`],
        instructions: paragraphs(
          `You are the lead of a research team.${about}`,
          `First ask agent.${researcher} for what the question needs: give it the whole question. ` +
            `Then give the question and what it found to agent.${critic}. Ask both again where the critic is right and something can be found.`,
          "Then write the answer: what is known, from where, what is disputed and what stays open. Do not add facts of your own.",
        ),
        members: [
          {
            ...common,
            name: researcher,
            description: "Finds and sorts what is known about a question.",
            capabilities: ["time.now"],
            instructions: paragraphs(
              `You are a researcher.${about}`,
              "List what is known about the question that you are given, one fact a line, each with where it is from and how sure you are. " +
                "Say what you do not know; never make up a source.",
            ),
          },
          {
            ...common,
            name: critic,
            description: "Looks for what is wrong or missing in what others found.",
            instructions: paragraphs(
              `You are a critic.${about}`,
              "Of what you are given, name what is wrong, what is not shown, what contradicts itself and what is missing, the gravest first. " +
                "Say so where nothing is wrong.",
            ),
          },
        ],
      };
    },
  });
}
