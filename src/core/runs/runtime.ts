import type { StandardSchemaV1 } from "@standard-schema/spec";
import { extensionPoint, serviceRef } from "../kernel/refs.ts";
import type { Logger, MaybePromise } from "../kernel/spec.ts";
import type { Approvers } from "./approvers/approvers.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { StoredDecision } from "./entities/message.ts";
import type { RunEventBody } from "./events.ts";
import type { ToolDefinition, ToolOutcome, ToolRequest } from "./tools.ts";
import type { DecisionKind, FrameworkMode } from "./types.ts";

/** What an adapter really does. Each `true` is exercised by the conformance suite. */
export interface RuntimeFeatures {
  readonly streaming: boolean;
  readonly tools: boolean;
  readonly interrupts: boolean;
  /** Goes on from the messages of a broken turn, after a lost process or an approval. */
  readonly resume: boolean;
  readonly steps: boolean;
  readonly state: boolean;
  readonly structuredOutput: boolean;
  readonly usage: boolean;
  /** Takes files in messages; not by default. A run whose conversation holds one is then refused before its turn begins. */
  readonly files?: boolean;
}

/** How a framework stands, asked anew for each query. */
export interface RuntimeStatus {
  readonly mode: FrameworkMode;
  readonly reason?: string;
  readonly fix?: string;
}

/**
 * A framework, adapted. It translates; the engine decides: an adapter never starts, finishes, fails or cancels a run. It ends its
 * iteration when the turn is over, and throws what goes wrong.
 */
export interface AgentRuntime<Options = unknown> {
  /** As in `langgraph`; the name under which it stands at {@link runtimes}. */
  readonly id: string;
  readonly features: RuntimeFeatures;
  /** Validates the `options` of an agent that uses it. */
  readonly options: StandardSchemaV1<unknown, Options>;
  /**
   * Whether something else than the platform answers for agents with these options, as a graph on another server does; never by default. It is
   * told the conversation, what was recalled before it, and the input, nothing else: a definition with instructions, capabilities, tool policies or a
   * model is refused, no model is resolved, and what it says is LIVE.
   */
  answersElsewhere?(options: Options): boolean;
  /** What of an agent's options does nothing here, a sentence each. The agent's health shows it. */
  leftOut?(options: Options): readonly string[];
  /** The same as JSON Schema, for forms. */
  readonly optionsSchema: Readonly<Record<string, unknown>>;
  readonly sdk?: { readonly name: string; readonly version: string };
  status(): MaybePromise<RuntimeStatus>;
  /** Models that an agent of it can name, as `binding/model`. */
  models(): MaybePromise<readonly string[]>;
  /** One turn: from the messages so far to where the agent has nothing more to say. */
  stream(request: RunRequest<Options>, ctx: RunContext): AsyncIterable<RunEventBody>;
}

/** Where plugins put {@link AgentRuntime}s, by framework id. */
export const runtimes = extensionPoint<AgentRuntime>("runs.runtimes");

/** A part of a message that a person or a program wrote. */
export type InputPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "data"; readonly name: string; readonly data: unknown }
  | FilePart;

/** A file in a message. Nothing of it is read before it is asked for. */
export interface FilePart {
  readonly type: "file";
  /** The same in every turn. */
  readonly id: string;
  readonly name: string;
  /** As in `image/png`. */
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  bytes(): Promise<Uint8Array>;
  /** `data:<mediaType>;base64,…` */
  dataUrl(): Promise<string>;
}

/** A call that a model asked for, and what came of it: no outcome means that it is still to be made. */
export interface ConversationToolCall {
  readonly callId: string;
  readonly name: string;
  readonly arguments: unknown;
  readonly outcome?: ToolOutcome;
}

/** One message of the conversation, whatever the framework. */
export type ConversationMessage =
  | {
      readonly role: "USER" | "SYSTEM";
      readonly parts: readonly InputPart[];
      /** It was answered before: a file in it that the model cannot take stands as {@link fileNote}, and fails no run. */
      readonly earlier?: true;
    }
  | {
      readonly role: "ASSISTANT";
      readonly text: string;
      readonly toolCalls: readonly ConversationToolCall[];
      /** The run that said it. The run of the turn itself: it was said before the turn was broken off, so do not say it again. */
      readonly runId?: string;
      /** What its adapter kept with it for the provider, as of `message.finished`. */
      readonly native?: unknown;
    };

/** What a turn is given. On a resumed run `messages` holds also what this run said and did before. */
export interface RunRequest<Options = unknown> {
  readonly agent: { readonly id: string; readonly name: string; readonly version: number };
  /** The agent's, then what was recalled for the run. */
  readonly instructions: string | undefined;
  /**
   * What was recalled alone, as it stands at the end of `instructions`; nothing where nothing was. For a framework that tells its model something else
   * in place of the instructions: it adds this to that.
   */
  readonly recalled: string | undefined;
  readonly options: Options;
  readonly messages: readonly ConversationMessage[];
  readonly input: unknown;
  /** JSON Schema of the answer, where the agent or the run asks for structure. */
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
}

/** A sort of file that a model may take; what is text can be written out for any. */
export type ModelFile = "image" | "pdf";

/** A model, resolved: what a framework needs to call it. Never read a key from the environment. */
export interface ModelBinding {
  /** As in `openai`. */
  readonly id: string;
  readonly provider: string;
  /** The model's name at the provider. */
  readonly model: string;
  readonly provenance: "LIVE" | "SIMULATED";
  readonly api: "responses" | "chat";
  readonly baseURL: string;
  readonly apiKey: () => MaybePromise<string>;
  /** For providers that are reached in another way than by the network. */
  readonly fetch?: typeof fetch;
  /** For the whole answer to begin, in milliseconds. */
  readonly timeoutMs: number;
  /** Files besides text that its models take; pictures by default. */
  readonly files?: readonly ModelFile[];
}

/** Resolves the models that agents name. */
export interface Models {
  /**
   * @param name `binding/model`, a model of the default binding, or nothing for the default.
   * @throws SIMULATION_FORBIDDEN where only a simulated one is left and `simulated` is "forbidden"; INVALID_INPUT for an unknown binding.
   */
  resolve(name: string | undefined, policy: { readonly simulated: "allowed" | "forbidden" }): ModelBinding;
  /** All names, as `binding/model`. */
  list(): readonly string[];
  /** How the default binding stands. */
  status(): RuntimeStatus;
}

export const modelService = serviceRef<Models>("models.models");

/** What an adapter asks a person. */
export interface Question {
  /** Names the question within the run, the same on every turn: it is asked once. A loop that asks again takes another key. */
  readonly key: string;
  /** INPUT: something that only a person knows. REVIEW: whether something is right. */
  readonly kind: "INPUT" | "REVIEW";
  /** The step that asks, by the name that it was begun with. */
  readonly step?: string;
  /** For people. */
  readonly message: string;
  /** What is to be reviewed, any JSON. Decisions then name its hash, and EDIT gives something else instead. */
  readonly arguments?: unknown;
  /** JSON Schema of what a person says: an ANSWER's payload, or what an EDIT gives. */
  readonly responseSchema?: Readonly<Record<string, unknown>>;
  readonly allowed: readonly DecisionKind[];
  /** After that, at most a year, it counts as unanswered; without it, it waits for as long as the run may. */
  readonly expiresInMs?: number;
  /** Who besides the owner of the run may decide; nobody by default. */
  readonly approvers?: Approvers;
}

/** What came of a {@link Question}. In the decision, `payload` is what was answered, or what an EDIT gives instead. */
export type QuestionOutcome =
  | { readonly status: "RESOLVED"; readonly decision: StoredDecision }
  | { readonly status: "EXPIRED" | "CANCELLED" };

/** What an adapter works with during one turn. Everything a framework may touch is handed in here. */
export interface RunContext {
  readonly runId: string;
  readonly threadId: string | undefined;
  /** The trace that the run is part of, as a W3C `traceparent`; absent where it is part of none. */
  readonly traceparent?: string;
  /** Whose run it is, as one word: for shares between people. It permits nothing. */
  readonly owner: string;
  /** Aborts when the run is cancelled, loses its lease or passes its deadline. Pass it to every request. */
  readonly signal: AbortSignal;
  /**
   * Aborts when the platform closes. A turn that is at a boundary then, where whoever goes on does nothing twice, ends by throwing its reason: the run
   * is left to the next process as it stands. What does not heed it is aborted some seconds later.
   */
  readonly drain: AbortSignal;
  readonly log: Logger;
  readonly model: ModelBinding;
  /** A binding that the adapter resolved by itself: its calls are counted and kept within budgets then, as those of {@link RunContext.model} are. */
  metered(binding: ModelBinding): ModelBinding;
  /** What the agent may call; a tool that is not here cannot be called. */
  readonly tools: readonly ToolDefinition[];
  readonly limits: { readonly maxSteps: number };
  /** Notes a call while the model is still writing its arguments. */
  toolRequested(call: { readonly callId: string; readonly name: string; readonly message: string; readonly part: number }): void;
  /** More of the arguments' JSON text. */
  toolArguments(callId: string, delta: string): void;
  /**
   * Makes calls side by side: the only way to run a tool. Validation, policy, approval, timeout and audit sit behind it; what a tool
   * does wrong is an outcome, not an error.
   *
   * @throws RUN_SUSPENDED where one of them waits for a person. Let it pass: the turn starts again when there is a decision.
   */
  callTools(calls: readonly ToolRequest[]): Promise<readonly ToolOutcome[]>;
  /**
   * Asks a person, once a run and key, and answers on the turn after the decision. What is to be asked side by side is asked in one go, as by
   * `Promise.all`: then all of it is raised before the turn ends.
   *
   * @throws RUN_SUSPENDED while it is pending. Let it pass: the turn starts again when there is a decision. PROTOCOL_VIOLATION for what is no
   * question, and for other arguments than those that were asked about under the key.
   */
  ask(question: Question): Promise<QuestionOutcome>;
  /** State of the run, kept between its turns. */
  readonly checkpoints: Checkpoints;
}
