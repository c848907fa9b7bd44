import { z } from "zod";

const text = z.string().refine((value) => value.trim() !== "", "is empty");
const count = (most: number) => z.int().min(1).max(most);
const schema = z.record(z.string(), z.unknown());

const llm = z.union([
  text,
  z.object({
    model: text.optional(),
    provider: text.optional(),
    deployment_name: text.optional(),
    base_url: text.optional(),
    api_base: text.optional(),
    endpoint: text.optional(),
    azure_endpoint: text.optional(),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    max_tokens: count(1_000_000).optional(),
  }),
]);

/** An agent as CrewAI's files write it. */
export const agentFields = z.object({
  role: text,
  goal: text,
  backstory: text,
  llm: llm.nullish(),
  tools: z.array(text).nullish(),
  allow_delegation: z.boolean().nullish(),
  max_iter: count(1_000).nullish(),
  max_execution_time: count(86_400).nullish(),
  max_rpm: count(100_000).nullish(),
});

/** A task as CrewAI's files write it. */
export const taskFields = z.object({
  name: text.nullish(),
  description: text,
  expected_output: text,
  agent: text.nullish(),
  context: z.array(text).nullish(),
  tools: z.array(text).nullish(),
  human_input: z.boolean().nullish(),
  async_execution: z.boolean().nullish(),
  markdown: z.boolean().nullish(),
  guardrail: text.nullish(),
  guardrails: z.union([text, z.array(text)]).nullish(),
  guardrail_max_retries: z.int().min(0).max(100).nullish(),
  /** CrewAI takes a Python function here; CEL is ours. */
  condition: text.nullish(),
  output_json: schema.nullish(),
  output_pydantic: schema.nullish(),
  response_model: schema.nullish(),
});

/** What a crew says of itself, besides its agents and tasks. */
export const crewFields = z.object({
  name: text.nullish(),
  process: z.enum(["sequential", "hierarchical"]).nullish(),
  manager_agent: text.nullish(),
  manager_llm: llm.nullish(),
  max_rpm: count(100_000).nullish(),
  inputs: schema.nullish(),
});

export type AgentFields = z.output<typeof agentFields>;
export type TaskFields = z.output<typeof taskFields>;

export type LlmFields = z.output<typeof llm>;

/** What changes nothing in what a crew does here, so that nobody needs to hear of it. */
export const quietFields: ReadonlySet<string> = new Set(["verbose", "type", "settings", "share_crew", "stream", "tracing"]);

/** The only types that need no Python of their own. */
export const plainTypes: ReadonlySet<string> = new Set([
  ...["agent", "Agent", "crewai.Agent", "crewai.agent.core.Agent"],
  ...["task", "Task", "crewai.Task", "crewai.task.Task"],
  ...["conditional", "conditional_task", "ConditionalTask", "crewai.tasks.conditional_task.ConditionalTask"],
]);
