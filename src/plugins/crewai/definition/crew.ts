/** Which model an agent uses, where it differs from the run's own. */
export interface ModelChoice {
  /** As in `openai/gpt-5.4-mini`; the run's own by default. */
  readonly model?: string;
  /** Where the model answers; a binding has to have it. */
  readonly address?: string;
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens?: number;
}

/** One member of a crew. */
export interface CrewAgent {
  /** As tasks name it. */
  readonly key: string;
  readonly role: string;
  readonly goal: string;
  readonly backstory: string;
  readonly llm: ModelChoice;
  /** Names of the platform's tools. */
  readonly tools: readonly string[];
  /** Whether it may hand work to its coworkers, and ask them. */
  readonly delegates: boolean;
  /** Model calls of one piece of work, before it has to answer. */
  readonly maxIterations: number;
  readonly maxSeconds?: number;
  /** Model calls a minute. */
  readonly maxRpm?: number;
}

/** One thing that a crew does. */
export interface CrewTask {
  readonly name: string;
  readonly description: string;
  readonly expectedOutput: string;
  /** Whose it is, by key; in a hierarchical crew the manager decides. */
  readonly agent?: string;
  /** The tasks whose outputs it is given; by default those before it. */
  readonly context: "previous" | readonly string[];
  /** Instead of the agent's. */
  readonly tools?: readonly string[];
  /** A person looks at the output. */
  readonly review: boolean;
  /** Runs beside the tasks after it, up to the next that does not. */
  readonly async: boolean;
  readonly markdown: boolean;
  /** What a model checks the output against. */
  readonly guardrails: readonly string[];
  readonly guardrailRetries: number;
  /** CEL over `output`, `outputs` and `inputs`; the task is skipped where it is false. */
  readonly condition?: string;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
}

/** A crew, whatever the files that it was written in. */
export interface Crew {
  readonly name: string;
  readonly process: "sequential" | "hierarchical";
  readonly agents: readonly CrewAgent[];
  readonly tasks: readonly CrewTask[];
  /** Of a hierarchical crew; one is made where none is named. */
  readonly manager?: CrewAgent;
  readonly managerLlm: ModelChoice;
  /** Model calls a minute, of all agents together. */
  readonly maxRpm?: number;
  /** Values of placeholders that a run does not give. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** A crew with what was left out of its definition. */
export interface ReadCrew {
  readonly crew: Crew;
  readonly warnings: readonly string[];
}
