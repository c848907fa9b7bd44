import type { SkillDefinition } from "#weftline";

/** What an agent has to know to use the notes well, with the tool for it. */
export const notebook: SkillDefinition = {
  name: "example.notebook",
  description: "Answers from the user's own notes.",
  instructions: `The user keeps notes. Before you answer a question about what the user noted, plans or is to remember, read them with the tool
example.notes. Say which note an answer comes from. Where no note helps, say so; never invent one.`,
  tools: ["example.notes"],
};
