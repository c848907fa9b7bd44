import type { CrewAgent, CrewTask } from "../definition/crew.ts";

/** Between outputs that stand in one text. */
const divider = "\n\n----------\n\n";

/** Who an agent is. */
export function persona({ role, goal, backstory }: Pick<CrewAgent, "role" | "goal" | "backstory">): string {
  return `You are ${role}. ${backstory}\n\nYour personal goal is: ${goal}`;
}

/** What an agent is to do now. */
export function assignment(
  { description, expectedOutput, markdown }: Pick<CrewTask, "description" | "expectedOutput" | "markdown">,
  context: readonly string[],
): string {
  const parts = [
    `Your task:\n${description}`,
    `What is expected of your answer:\n${expectedOutput}\nAnswer with the complete result itself, not with a summary of it and not with what you are about to do.`,
  ];
  if (markdown) parts.push("Write the answer in Markdown.");
  if (context.length > 0) parts.push(`What you can build on:\n${context.join(divider)}`);
  return parts.join("\n\n");
}

/** An agent has used up its model calls. */
export const lastCall = "You can use no more tools. Give your best complete answer now, from what you know so far.";

/** A person wants something else. */
export function feedbackNote(feedback: string): string {
  return `A person looked at your answer and says:\n${feedback}\n\nAnswer again with this in mind.`;
}

/** A check failed. */
export function guardrailNote(problem: string, output: string): string {
  return `An earlier answer did not pass a check.\n\nThe answer:\n${output}\n\nWhat is wrong with it:\n${problem}\n\nMend this in your new answer.`;
}

/** Who checks. */
export const checker = {
  key: "checker",
  role: "Guardrail Agent",
  goal: "Say whether an output keeps to a rule.",
  backstory: "You compare texts with rules, and say exactly what breaks one.",
};

export function checkPrompt(rule: string, output: string): string {
  return `The rule:\n${rule}\n\nThe output:\n${output}\n\nDoes the output keep to the rule? Where it does not, say what is wrong, without mending it.`;
}

/** Who leads a hierarchical crew that names nobody. */
export const manager = {
  key: "manager",
  role: "Crew Manager",
  goal: "Bring the task to the best end by having the right coworker do each part of it.",
  backstory:
    "You do no part of the work by yourself. You know whom to give what, tell them all that they need, look at what comes back, and give the final answer.",
};
