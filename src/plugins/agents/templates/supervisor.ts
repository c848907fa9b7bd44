import { z } from "zod";
import { defineTemplate, type AgentTemplate } from "../contract.ts";
import { paragraphs, phrase, type TemplateBase } from "./base.ts";
import { agentName, frameworkChoice } from "./team.ts";

/** An agent has no more members: each is a tool that its model has to know. */
const mostMembers = 32;

const parameters = z.strictObject({
  members: z
    .array(agentName("The name of an agent."))
    .min(1)
    .max(mostMembers)
    .describe("The agents that it leads, by their names. One that is not there yet can be made later."),
  purpose: phrase("What the team is for, as in planning journeys.").optional(),
  framework: frameworkChoice,
});

/** Leads other agents: it asks each for its part and answers by what they say. */
export function supervisor(base: TemplateBase): AgentTemplate {
  return defineTemplate({
    name: "supervisor",
    description: "Leads other agents: it asks each for its part and answers by what they say.",
    framework: base.framework,
    parameters,
    parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
    build: ({ members: named, purpose, framework = base.framework }) => {
      const members = [...new Set(named)];
      return {
        framework,
        description: purpose ? `Leads a team for ${purpose}.` : `Leads ${members.join(", ")}.`,
        ...(base.model === undefined ? {} : { model: base.model }),
        capabilities: members.map((member) => `agent.${member}`),
        instructions: paragraphs(
          `You are the supervisor of a team of agents.${purpose === undefined ? "" : ` The team is for ${purpose}.`}`,
          `Each member is a tool: ${members.map((member) => `agent.${member}`).join(", ")}. A member sees nothing but what you give it: write all that it has to know.`,
          "Split what the user asks for into parts, and have each part done by the member that it suits; ask members side by side where their parts do not depend on each other. " +
            "Read what comes back, ask again where it falls short, and say who could not do a part.",
          "Then answer the user in your own words. Do not claim what no member found.",
        ),
      };
    },
  });
}
