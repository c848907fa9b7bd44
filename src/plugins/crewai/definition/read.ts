import type { z } from "zod";
import { WeftlineError } from "#weftline";
import { problemsOf } from "./checks.ts";
import type { Crew, CrewAgent, CrewTask, ModelChoice, ReadCrew } from "./crew.ts";
import { agentFields, crewFields, quietFields, taskFields, type AgentFields, type LlmFields, type TaskFields } from "./fields.ts";
import { pythonReferences } from "./python-references.ts";

/** CrewAI's own defaults. */
const defaults = { maxIterations: 25, guardrailRetries: 3 };

type Raw = Readonly<Record<string, unknown>>;

/**
 * Reads a definition as CrewAI's files write it: agents by name, tasks in order, and what the crew says of itself.
 *
 * @param name of the crew where it names none.
 * @throws CREW_INVALID with all that is wrong.
 */
export function readCrew(raw: unknown, name: string): ReadCrew {
  const problems: string[] = [];
  const warnings: string[] = [];
  if (!isRaw(raw)) throw invalid(name, ["it is not an object"]);
  if (isFlow(raw)) throw invalid(name, ["it is a flow, and only crews are played here: give the crew that the flow calls"]);
  problems.push(...pythonReferences(raw));
  const { agents: rawAgents, tasks: rawTasks, ...rest } = raw;
  const fields = read(crewFields, rest, "crew", problems, warnings);
  const agents = Object.entries(named(rawAgents, "agents", problems)).flatMap(([key, each]) => {
    const found = read(agentFields, withSettings(each), `agents.${key}`, problems, warnings);
    return found ? [agentOf(key, found)] : [];
  });
  const tasks = Object.entries(tasksByName(rawTasks, problems)).flatMap(([key, each]) => {
    const found = read(taskFields, each, `tasks.${key}`, problems, warnings);
    return found ? [taskOf(key, found)] : [];
  });
  if (!fields || problems.length > 0) throw invalid(name, problems);

  const managed =
    fields.process === "hierarchical" && fields.manager_agent ? agents.find(({ key }) => key === fields.manager_agent) : undefined;
  if (fields.manager_agent && !managed)
    problems.push(`crew.manager_agent: there is no agent "${fields.manager_agent}" for a hierarchical crew`);
  const crew: Crew = {
    name: fields.name ?? name,
    process: fields.process ?? "sequential",
    agents: agents.filter((agent) => agent !== managed),
    tasks,
    ...(managed ? { manager: { ...managed, delegates: true } } : {}),
    managerLlm: choiceOf(fields.manager_llm),
    ...(fields.max_rpm == null ? {} : { maxRpm: fields.max_rpm }),
    inputs: fields.inputs ?? {},
  };
  problems.push(...problemsOf(crew));
  if (problems.length > 0) throw invalid(name, problems);
  return { crew, warnings };
}

function invalid(crew: string, problems: readonly string[]): WeftlineError {
  const issues = problems.map((message) => ({ path: ["crew"], message }));
  return new WeftlineError("CREW_INVALID", { crew, problems: problems.join("; "), plugin: "crewai", issues });
}

function isFlow({ schema, methods, tasks }: Raw): boolean {
  return (typeof schema === "string" && schema.startsWith("crewai.flow")) || (isRaw(methods) && tasks === undefined);
}

function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What of a value these fields take; the rest becomes a warning. */
function read<Fields extends z.ZodObject>(
  fields: Fields,
  value: unknown,
  place: string,
  problems: string[],
  warnings: string[],
): z.output<Fields> | undefined {
  const result = fields.safeParse(value);
  if (!result.success) {
    problems.push(...result.error.issues.map(({ path, message }) => `${[place, ...path].join(".")}: ${message}`));
    return undefined;
  }
  const left = leftOut(value, result.data, "").filter((path) => !quietFields.has(path));
  warnings.push(...left.map((path) => `${place}.${path} is not supported here and is left out.`));
  return result.data;
}

/** The paths of what was given and not taken, at any depth. */
function leftOut(given: unknown, taken: unknown, path: string): string[] {
  if (Array.isArray(given) && Array.isArray(taken)) return given.flatMap((each, index) => leftOut(each, taken[index], `${path}.${index}`));
  if (!isRaw(given) || !isRaw(taken)) return [];
  return Object.entries(given).flatMap(([key, each]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return Object.hasOwn(taken, key) ? leftOut(each, taken[key], at) : [at];
  });
}

/** CrewAI's JSON lets `settings` win over what stands beside it. */
function withSettings(agent: unknown): unknown {
  if (!isRaw(agent) || !isRaw(agent["settings"])) return agent;
  return { ...agent, ...agent["settings"] };
}

/** Agents by name: as a map, or as a list of objects that name themselves or have one key. */
function named(value: unknown, place: string, problems: string[]): Raw {
  if (isRaw(value)) return value;
  if (!Array.isArray(value)) {
    problems.push(`${place}: there are none`);
    return {};
  }
  const entries = value.map((each: unknown, index): [string, unknown] => {
    if (isRaw(each) && typeof each["name"] === "string") {
      const { name, ...rest } = each;
      return [name as string, rest];
    }
    const only = isRaw(each) ? Object.entries(each) : [];
    return only.length === 1 && only[0] ? only[0] : [`${index + 1}`, each];
  });
  return Object.fromEntries(entries);
}

/** Tasks by name, in their order: a list, or the map of the classic files. */
function tasksByName(value: unknown, problems: string[]): Raw {
  if (!Array.isArray(value)) return named(value, "tasks", problems);
  const entries = value.map((each: unknown, index): [string, unknown] => [
    isRaw(each) && typeof each["name"] === "string" ? each["name"] : `task-${index + 1}`,
    each,
  ]);
  const doubled = entries.find(([name], index) => entries.findIndex(([other]) => other === name) !== index);
  if (doubled) problems.push(`tasks: two are named "${doubled[0]}"`);
  return Object.fromEntries(entries);
}

function agentOf(key: string, fields: AgentFields): CrewAgent {
  return {
    key,
    role: fields.role.trim(),
    goal: fields.goal.trim(),
    backstory: fields.backstory.trim(),
    llm: choiceOf(fields.llm),
    tools: fields.tools ?? [],
    delegates: fields.allow_delegation ?? false,
    maxIterations: fields.max_iter ?? defaults.maxIterations,
    ...(fields.max_execution_time == null ? {} : { maxSeconds: fields.max_execution_time }),
    ...(fields.max_rpm == null ? {} : { maxRpm: fields.max_rpm }),
  };
}

function taskOf(key: string, fields: TaskFields): CrewTask {
  const { guardrail, guardrails } = fields;
  const outputSchema = fields.output_json ?? fields.output_pydantic ?? fields.response_model;
  return {
    name: fields.name ?? key,
    description: fields.description.trim(),
    expectedOutput: fields.expected_output.trim(),
    ...(fields.agent == null ? {} : { agent: fields.agent }),
    context: fields.context ?? "previous",
    ...(fields.tools == null ? {} : { tools: fields.tools }),
    review: fields.human_input ?? false,
    async: fields.async_execution ?? false,
    markdown: fields.markdown ?? false,
    guardrails: guardrails == null ? (guardrail == null ? [] : [guardrail]) : [guardrails].flat(),
    guardrailRetries: fields.guardrail_max_retries ?? defaults.guardrailRetries,
    ...(fields.condition == null ? {} : { condition: fields.condition }),
    ...(outputSchema == null ? {} : { outputSchema }),
  };
}

function choiceOf(llm: LlmFields | null | undefined): ModelChoice {
  if (llm == null) return {};
  if (typeof llm === "string") return { model: llm };
  const { provider } = llm;
  const name = llm.model ?? llm.deployment_name ?? (provider === undefined ? undefined : "");
  const model = provider === undefined || name?.startsWith(`${provider}/`) ? name : `${provider}/${name}`;
  const address = llm.base_url ?? llm.api_base ?? llm.endpoint ?? llm.azure_endpoint;
  return {
    ...(model === undefined ? {} : { model }),
    ...(address === undefined ? {} : { address }),
    ...(llm.temperature === undefined ? {} : { temperature: llm.temperature }),
    ...(llm.top_p === undefined ? {} : { topP: llm.top_p }),
    ...(llm.max_tokens === undefined ? {} : { maxTokens: llm.max_tokens }),
  };
}
