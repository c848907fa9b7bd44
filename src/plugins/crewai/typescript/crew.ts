import type { OpenAIOptions } from "#plugins/openai";
import type { CrewAgent, CrewTask } from "../definition/crew.ts";
import { placeOfTask, Shifts, type Place } from "../play/places.ts";
import type { TaskOutput } from "../play/record.ts";
import type { Stage } from "../play/stage.ts";
import { brokenRule, neverPassed } from "./guardrail.ts";
import { assignment, guardrailNote, manager } from "./prompts.ts";
import { Workers } from "./workers.ts";
import { together } from "./together.ts";

/** Plays a crew: its tasks in order, those that are asynchronous beside the ones after them. @returns the last task's output. */
export async function playCrew(stage: Stage, options: OpenAIOptions): Promise<string> {
  const shifts = new Shifts();
  const workers = new Workers(stage, shifts);
  const running: Promise<TaskOutput>[] = [];
  /** The last one that was waited for: what an asynchronous task is given. */
  let before: TaskOutput | undefined;
  try {
    for (const task of stage.crew.tasks) {
      if (!task.async) await together(running.splice(0));
      const work = playTask({ stage, shifts, workers, options }, task, contextOf(stage, task, before));
      if (task.async) running.push(quietly(work));
      else before = await work;
    }
    await together(running);
  } finally {
    await Promise.allSettled(running);
  }
  return [...stage.outputs.values()].findLast(({ skipped }) => !skipped)?.raw ?? "";
}

/** Its failure is heard where it is waited for. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function contextOf(stage: Stage, task: CrewTask, before: TaskOutput | undefined): string[] {
  const outputs = stage.outputs;
  if (task.context !== "previous") return task.context.flatMap((name) => outputs.get(name)?.raw ?? []).filter(Boolean);
  const all = task.async ? (before ? [before] : []) : [...outputs.values()];
  return all.map(({ raw }) => raw).filter(Boolean);
}

interface Play {
  readonly stage: Stage;
  readonly shifts: Shifts;
  readonly workers: Workers;
  readonly options: OpenAIOptions;
}

async function playTask({ stage, shifts, workers, options }: Play, task: CrewTask, context: readonly string[]): Promise<TaskOutput> {
  const known = stage.outputOf(task.name);
  if (known) return known;
  const { agent, coworkers } = castOf(stage, task);
  const place = placeOfTask(task);
  if (!(await stage.isWanted(task))) {
    const skipped: TaskOutput = { raw: "", agent: agent.role, skipped: true };
    await stage.done(place, skipped);
    return skipped;
  }
  const raw = await pass(stage, task, { agent, place, options }, (notes) =>
    workers.work({
      agent,
      place: shifts.next(agent.role, place),
      prompt: assignment(task, notes === undefined ? context : [notes]),
      tools: stage.toolsNamed(task.tools ?? agent.tools),
      coworkers,
      outputSchema: stage.schemaOf(task),
      options,
      ...(task.review ? { review: (answer: string) => reviewed(stage, task, agent, answer) } : {}),
    }),
  );
  const output = { raw, agent: agent.role };
  await stage.done(place, output);
  return output;
}

/** Who does a task, and whom they can turn to: in a hierarchical crew the manager, and the task's own agent or all. */
function castOf({ crew }: Stage, task: CrewTask): { readonly agent: CrewAgent; readonly coworkers: readonly CrewAgent[] } {
  const own = crew.agents.find(({ key }) => key === task.agent);
  if (crew.process === "sequential") return { agent: own as CrewAgent, coworkers: crew.agents.filter((agent) => agent !== own) };
  const leader: CrewAgent = crew.manager ?? { ...manager, llm: crew.managerLlm, tools: [], delegates: true, maxIterations: 25 };
  return { agent: leader, coworkers: own ? [own] : crew.agents };
}

async function reviewed(stage: Stage, task: CrewTask, agent: CrewAgent, answer: string) {
  const verdict = await stage.review(task, agent, answer);
  if (verdict.kind === "rejected") return { wish: verdict.feedback };
  return { answer: verdict.kind === "replaced" ? verdict.output : answer };
}

/** Works until the output passes all guardrails, each of which has its own tries. */
async function pass(
  stage: Stage,
  task: CrewTask,
  who: { readonly agent: CrewAgent; readonly place: Place; readonly options: OpenAIOptions },
  work: (notes: string | undefined) => Promise<string>,
): Promise<string> {
  let output = await work(undefined);
  for (const rule of task.guardrails) {
    for (let tries = 1; ; tries++) {
      const problem = await brokenRule(stage, rule, output, who);
      if (problem === undefined) break;
      if (tries > task.guardrailRetries) throw neverPassed(task.name, task.guardrailRetries, problem);
      output = await work(guardrailNote(problem, output));
    }
  }
  return output;
}
