import { conditionProblem } from "./condition.ts";
import type { Crew, CrewTask } from "./crew.ts";

/** What is wrong between the parts of a crew, each of which is right by itself. */
export function problemsOf(crew: Crew): string[] {
  const { agents, tasks, manager, process } = crew;
  const problems: string[] = [];
  if (agents.length === 0) problems.push("agents: there are none");
  if (tasks.length === 0) problems.push("tasks: there are none");
  if (manager && manager.tools.length > 0) problems.push(`agents.${manager.key}: a manager has no tools of its own, it hands out work`);
  if (tasks[0]?.condition !== undefined) problems.push(`tasks.${tasks[0].name}: the first task cannot have a condition`);
  const lastSync = tasks.findLastIndex((task) => !task.async);
  if (tasks.length - 1 - lastSync > 1) problems.push("tasks: at most one asynchronous task may stand at the end");
  for (const [index, task] of tasks.entries()) {
    const place = `tasks.${task.name}`;
    if (process === "sequential" && task.agent === undefined) problems.push(`${place}: it has no agent`);
    if (task.agent !== undefined && !agents.some(({ key }) => key === task.agent))
      problems.push(`${place}: there is no agent "${task.agent}"`);
    if (task.condition !== undefined && task.async) problems.push(`${place}: a task with a condition cannot be asynchronous`);
    const wrong = task.condition === undefined ? undefined : conditionProblem(task.condition);
    if (wrong !== undefined) problems.push(`${place}.condition: ${wrong}`);
    problems.push(...contextProblems(task, tasks, index).map((problem) => `${place}.context: ${problem}`));
  }
  return problems;
}

function contextProblems(task: CrewTask, tasks: readonly CrewTask[], index: number): string[] {
  if (task.context === "previous") return [];
  return task.context.flatMap((name) => {
    const place = tasks.findIndex((each) => each.name === name);
    if (place < 0) return [`there is no task "${name}"`];
    if (place >= index) return [`"${name}" does not come before it`];
    const between = tasks.slice(place, index);
    return task.async && between.every((each) => each.async) ? [`"${name}" runs beside it, so it has no output yet`] : [];
  });
}
