import type { HealthStatus } from "../host/types.ts";
import { extensionPoint, serviceRef } from "../kernel/refs.ts";
import type { Logger, MaybePromise } from "../kernel/spec.ts";
import type { Approvers } from "./approvers/approvers.ts";
import type { RunTrigger } from "./types.ts";

export type SideEffects = "NONE" | "READ" | "WRITE" | "EXTERNAL";

/** Whether a person has to allow a call: never, always, or where a condition holds: CEL over `args`, `agent` and `run`. */
export type ApprovalRule = "NEVER" | "ALWAYS" | { readonly when: string };

/** An approval rule for the tools of a name; `github.*` stands for all whose names begin so, `*` for all. The closest name counts. */
export interface ToolPolicy {
  readonly tool: string;
  readonly approval: ApprovalRule;
  /** Who besides the owner of the run may decide, with those whom the tool itself names. */
  readonly approvers?: Approvers;
}

/** A call as policies look at it. */
export interface PolicedCall {
  readonly args: unknown;
  /** Absent where a person or a program calls. */
  readonly agent: PolicedAgent | undefined;
  readonly run: {
    readonly id: string;
    readonly threadId: string | null;
    readonly trigger: RunTrigger;
    readonly ownerId: string;
    readonly tenantId: string;
  };
}

/** An agent as policies look at it, with those of its own. */
export interface PolicedAgent {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly policies: readonly ToolPolicy[];
}

/** Whether a person is asked about a call, and the rule that asks, for that person to read. */
export type Verdict = { readonly ask: false } | { readonly ask: true; readonly because?: string };

/** What a tool did to the memory. */
export interface MemoryChange {
  readonly action: "SAVED" | "UPDATED" | "FORGOTTEN";
  /** By their ids. */
  readonly records: readonly string[];
}

/** What a tool's code is given. */
export interface ToolContext {
  readonly runId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The same for every attempt of one call: pass it on to whatever must not happen twice. */
  readonly idempotencyKey: string;
  /**
   * The trace that the call is part of, as a W3C `traceparent`; absent where it is part of none. The guarded outgoing client sends it by itself: pass it on to
   * whatever is reached in another way.
   */
  readonly traceparent?: string;
  /** Tells those who watch; any JSON. */
  progress(data: unknown): void;
  /** For a plugin that keeps memories: the run's log names the records. Told once a call and action, also where the call is made again. */
  memoryChanged(change: MemoryChange): void;
}

/** A run that is made in place of a call. */
export interface RunBelowRequest {
  /** At {@link runTargets}, as `Agent`. */
  readonly targetType: string;
  readonly target: { readonly id: string; readonly name: string; readonly version?: number };
  readonly text?: string;
  readonly input?: unknown;
  /** At most so long, in milliseconds; by default as long as the run of the caller may last. */
  readonly timeoutMs?: number;
}

/** What a tool that {@link ToolDefinition.startsRun starts a run} answers: the run whose output is the result of the call. */
export class RunBelow {
  readonly request: RunBelowRequest;

  constructor(request: RunBelowRequest) {
    this.request = request;
  }
}

/** Something an agent can call. */
export interface ToolDefinition {
  /** As in `time.now`: unique, letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly sideEffects: SideEffects;
  readonly approval: ApprovalRule;
  /** Whether the same call may run again after a crash. */
  readonly idempotent: boolean;
  /** For one call, without the time that it waits for its turn. */
  readonly timeoutMs: number;
  /**
   * Whether the call is a run below the caller's, and not work of the tool's own. `execute` then only answers which, as a {@link RunBelow}, within
   * `timeoutMs`: it changes nothing and may be called again. The run takes no place of its own, is started once whatever happens, and may wait for
   * people as any run does.
   */
  readonly startsRun?: boolean;
  /** How many calls of it run at once in this process; any number by default. The others wait for their turn. */
  readonly concurrency?: number;
  /** How long an approval may take, in milliseconds. */
  readonly approvalTimeoutMs?: number;
  /** Who besides the owner of the run may allow a call; nobody by default. */
  readonly approvers?: Approvers;
  /** The most characters of a result, as text or as JSON, that are kept and shown to a model; 100,000 by default. What is behind them is left out. */
  readonly maxResultChars?: number;
  execute(args: never, ctx: ToolContext): MaybePromise<unknown>;
}

/** For whom a {@link TenantTools tool of a tenant} is. */
export interface ToolOwner {
  readonly tenantId: string;
}

/** Tools that each tenant has of its own, as one for each of its agents. */
export interface TenantTools {
  /**
   * The tool of a name, read anew.
   *
   * @param name what follows the key and the dot. The tool's own name is the whole.
   * @returns nothing where the tenant has none of that name.
   */
  resolve(name: string, owner: ToolOwner): MaybePromise<ToolDefinition | undefined>;
}

/**
 * Where plugins put {@link TenantTools}, by the name that their tools' names begin with. Such a tool is given to agents as any other, by its name,
 * and is listed and called nowhere else.
 *
 * @example contribute(tenantTools, "agent", { resolve: (name, { tenantId }) => … }); // answers "agent.Researcher" for "Researcher"
 */
export const tenantTools = extensionPoint<TenantTools>("capabilities.tenantTools");

/** Where plugins put tools, by name. */
export const tools = extensionPoint<ToolDefinition>("capabilities.tools");

/** Instructions and the tools that go with them: an agent that has the skill has both. */
export interface SkillDefinition {
  /** As in `research.brief`: unique among tools and skills. Letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  readonly description: string;
  /** Told to the agent after its own instructions. */
  readonly instructions: string;
  /** Names of tools; one that is not installed is left out. */
  readonly tools: readonly string[];
}

/**
 * Where plugins put skills, by name.
 *
 * @example
 * const brief = { name: "research.brief", description: "…", instructions: "…", tools: ["time.now"] };
 * definePlugin({ id: "research", contributes: [contribution(skills, brief.name, brief)] });
 */
export const skills = extensionPoint<SkillDefinition>("capabilities.skills");

/** How a {@link ToolSource} stands. */
export interface ToolSourceHealth {
  readonly status: HealthStatus;
  /** Why, and what fixes it. Never a secret. */
  readonly detail?: string;
}

/** A tool of a {@link ToolSource} that is not offered as it came. */
export interface ToolRemark {
  /** Its full name. */
  readonly tool: string;
  /** Whether no agent gets it, or arguments and results are not checked by all of its schemas. */
  readonly outcome: "LEFT_OUT" | "PARTLY_UNCHECKED";
  readonly problems: readonly string[];
}

/** Tools that come and go after boot, as of a server that is connected to. */
export interface ToolSource {
  /** Its tools now, from memory. Their names are its own: the registry puts its key before them, as in `<key>.<name>`. */
  list(): readonly ToolDefinition[];
  /** Calls back whenever `list` answers something else. @returns what stops it. */
  onChange(listener: () => void): () => void;
  health(): ToolSourceHealth;
  /**
   * Settles when it has said for the first time what it has, or knows that it cannot. A run that names tools of it waits for that, at most
   * ten seconds. Without it the source is ready from the start.
   */
  ready?(): Promise<unknown>;
  /** Called each time its tools have been read, with what is wrong with them: for its health. */
  remarked?(remarks: readonly ToolRemark[]): void;
}

/**
 * Where plugins put {@link ToolSource}s, by the name that their tools' names begin with.
 *
 * @example contribute(toolSources, "github", source); // its tool "search" is the tool "github.search"
 */
export const toolSources = extensionPoint<ToolSource>("capabilities.toolSources");

/** Finds and checks tools. */
export interface ToolRegistry {
  /** The tools of these names, skills unpacked; unknown names are left out. */
  resolve(names: readonly string[]): readonly ToolDefinition[];
  find(name: string): ToolDefinition | undefined;
  /** The tools of these names that are a tenant's own, skills unpacked; other names are left out. */
  ofTenant(names: readonly string[], owner: ToolOwner): Promise<readonly ToolDefinition[]>;
  /** Waits until the sources of these names have said what they have, within reason; nothing where there is nothing to wait for. */
  settled(names: readonly string[]): Promise<void> | undefined;
  /**
   * What is wrong with the arguments, by the tool's schema; empty where nothing is.
   *
   * @param caller whom it is checked for: where that takes long, callers have their turns.
   * @throws WORK_TOO_LONG, RATE_LIMITED
   */
  check(tool: ToolDefinition, args: unknown, caller?: string): MaybePromise<readonly SchemaProblem[]>;
  /** Whether a person has to allow a call, by the tool's rule and the agent's. What cannot be told is asked about. */
  judge(tool: ToolDefinition, call: PolicedCall): MaybePromise<Verdict>;
  /** Who besides the owner of the run may decide about its calls of the tool: whom the tool names, and whom the agent's closest policy names. */
  approvers(tool: ToolDefinition, agent: PolicedAgent | undefined): Approvers | undefined;
  /** What is wrong with a policy that an agent is to have; empty where nothing is. */
  policyProblems(policy: ToolPolicy): Promise<readonly { readonly part: keyof ToolPolicy | "condition"; readonly message: string }[]>;
  /**
   * What is wrong with a value by any JSON Schema.
   *
   * @throws WORK_TOO_LONG, RATE_LIMITED
   */
  checkSchema(schema: Readonly<Record<string, unknown>>, value: unknown, caller?: string): MaybePromise<readonly SchemaProblem[]>;
  /** Why something is no JSON Schema that can be used, or nothing. */
  schemaProblem(schema: unknown, caller?: string): MaybePromise<string | undefined>;
}

/** One thing that is wrong with a value, and where. */
interface SchemaProblem {
  readonly path: readonly string[];
  readonly message: string;
}

export const toolRegistry = serviceRef<ToolRegistry>("capabilities.registry");

/** What came of a tool call. `outcomeText` is what a model is told of it. */
export type ToolOutcome = (
  | { readonly status: "SUCCESS"; readonly result: unknown }
  | { readonly status: "ERROR" | "DENIED" | "CANCELLED"; readonly error: string }
) & {
  /** Where a person changed the call before it was made: the arguments that it was made with. The model has to be told. */
  readonly edited?: { readonly arguments: unknown };
};

/** A call that a model wants made. */
export interface ToolRequest {
  /** The model's id of the call, unique within the turn's messages: one id is one call of one tool, made once and answered alike. */
  readonly callId: string;
  readonly name: string;
  /** JSON text as the model wrote it, or the value. */
  readonly arguments: unknown;
  /** Why it must not be made, for the model: the call ends as ERROR with it. */
  readonly problem?: string;
  /** The step that it is part of, by its name. */
  readonly parentStep?: string;
  /** Stops this call alone. */
  readonly signal?: AbortSignal;
  /**
   * Whether something makes the same call again by itself where this one ends without an outcome: it was not done in time, or was stopped. Then a person
   * says first what became of it, unless the tool is idempotent. By default a call of a run below another that was not done in time.
   */
  repeats?(): boolean;
  /**
   * That a call which an earlier turn asked a person about is made with the arguments of then, whatever it is asked for with now. By default such an
   * approval is refused: it was for other arguments.
   */
  readonly again?: "as first asked";
  /** That the result is kept whole, up to 16 MiB, since a program goes on with it. By default it is cut to what its tool may answer a model. */
  readonly keeps?: "whole result";
}
