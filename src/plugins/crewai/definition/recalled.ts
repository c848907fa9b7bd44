import type { Crew, CrewAgent } from "./crew.ts";

/**
 * A crew that knows what was recalled for the run: it stands in the backstory of whoever works. The manager that a hierarchical crew is given where it
 * names none has no backstory here, so it reads it in the tasks, which nobody else is given as they are.
 */
export function withRecalled(crew: Crew, recalled: string | undefined): Crew {
  if (recalled === undefined) return crew;
  const add = (text: string): string => `${text}\n\n${recalled}`;
  const knowing = (agent: CrewAgent): CrewAgent => ({ ...agent, backstory: add(agent.backstory) });
  const { manager, process, tasks } = crew;
  return {
    ...crew,
    agents: crew.agents.map(knowing),
    ...(manager ? { manager: knowing(manager) } : {}),
    tasks: process === "hierarchical" && !manager ? tasks.map((task) => ({ ...task, description: add(task.description) })) : tasks,
  };
}
