import type { RunRequest, ToolDefinition } from "#weftline";
import type { Crew } from "./crew.ts";
import type { Asked } from "./inputs.ts";

/** An agent that names no crew, as a crew of one: so an agent moves between frameworks by one field. */
export function crewOfOne(
  { agent, instructions }: RunRequest,
  tools: readonly ToolDefinition[],
  { text, data, conversation }: Asked,
): Crew {
  const asked = [text, ...Object.entries(data).map(([name, value]) => `${name}:\n${JSON.stringify(value)}`)].filter(Boolean).join("\n\n");
  const before = conversation === "" ? "" : `The conversation so far:\n\n${conversation}\n\nThe user now says:\n\n`;
  return {
    name: agent.name,
    process: "sequential",
    agents: [
      {
        key: "agent",
        role: agent.name,
        goal: "Do what the user asks.",
        backstory: instructions ?? "You work with care.",
        llm: {},
        tools: tools.map(({ name }) => name),
        delegates: false,
        maxIterations: 25,
      },
    ],
    tasks: [
      {
        name: "answer",
        description: before + asked,
        expectedOutput: "The answer to what the user says, and nothing else.",
        agent: "agent",
        context: [],
        review: false,
        async: false,
        markdown: false,
        guardrails: [],
        guardrailRetries: 0,
      },
    ],
    managerLlm: {},
    inputs: {},
  };
}
