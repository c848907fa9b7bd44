import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import type { AIMessage, AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { LLMResult } from "@langchain/core/outputs";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  WeftlineError,
  type ConversationMessage,
  type ModelBinding,
  type RunContext,
  type RunEventBody,
  type ToolDefinition,
  type ToolRequest,
} from "#weftline";
import {
  Answer,
  completeEnd,
  createCallIds,
  createToolNames,
  cutCalls,
  endOfCall,
  extrasFor,
  type AnswerPiece,
  type AnswerReader,
  type Blame,
  type CompleteEnd,
  type LoadedFiles,
  type OpenAIOptions,
  type ToolNames,
} from "#plugins/openai";
import { Calls } from "./calls.ts";
import { bindingOfCall, createChatModel } from "./chat-model.ts";
import { createMessageReader } from "./events.ts";
import { Exchange } from "./exchange.ts";
import { toAnswer, toMessages } from "./messages.ts";
import { toTool, type ToolCaller } from "./platform-tool.ts";
import type { LangChainSdk } from "./sdk.ts";
import type { KeptCall } from "./sent-back.ts";
import { TokenReader } from "./tokens.ts";

/** What one turn of an agent over LangChain's models is made of. */
export interface ModelTurnOptions {
  readonly sdk: LangChainSdk;
  readonly ctx: RunContext;
  /** The framework's id, for failures. */
  readonly plugin: string;
  readonly options: OpenAIOptions;
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
  readonly conversation: readonly ConversationMessage[];
  /** Who makes the calls that models ask for; a {@link Calls} by default. */
  readonly calls?: TurnCalls;
  /** Whether the platform is told of calls as models write them, which is the default, or only when it makes them. */
  readonly told?: "asWritten" | "asMade";
  /**
   * Names the step and the message of a model call, and the step that it belongs to.
   *
   * @param metadata what LangChain knows of the call, as in `langgraph_node`.
   */
  readonly nameCall: (metadata: Readonly<Record<string, unknown>>) => { readonly key: string; readonly parent?: string };
}

/** A {@link ToolCaller} that is told what each answer asks for. */
export interface TurnCalls extends ToolCaller {
  note(requests: readonly ToolRequest[]): void;
}

/** `createAgent` takes calls of tools named so for the answer itself, and does not make them. */
const answerTools = /^extract-/;

/** Whose answer it is: of the run's model, or of one that a graph or chain brought along, which nothing here simulates. */
interface Speaker {
  readonly model: Pick<ModelBinding, "provider" | "model" | "provenance">;
  /** Said of its step, message and tokens. */
  readonly answering: { readonly provenance?: "LIVE" };
  readonly whose: "own" | "brought";
}

/** A model call that is under way. */
interface Speaking {
  readonly key: string;
  readonly speaker: Speaker;
  readonly parent: string | undefined;
  /** How many characters the model was given. */
  readonly asked: () => number;
  readonly reader: AnswerReader<ChatModelStreamEvent>;
  /** For models that LangChain tells of by tokens. */
  readonly tokens: TokenReader;
  heard: "nothing" | "events";
  readonly answer: Answer;
}

/**
 * One turn of whatever runs on LangChain: what its models say becomes the run's events, and what they want called goes to the platform.
 *
 * Give {@link handler} as a callback to the graph or model that works, and let it work within {@link events}.
 */
export class ModelTurn {
  readonly names: ToolNames;
  readonly calls: TurnCalls;
  /** Tell the run of more than models say, as of a node's step, with its `say`. */
  readonly exchange = new Exchange();
  readonly #options: ModelTurnOptions;
  readonly #callId: (id: string) => string;
  readonly #speaking = new Map<string, Speaking>();
  /** The answers of our models as they were read, by the ids of LangChain's messages. */
  readonly #answers = new Map<string, AnswerReader>();
  readonly #kept = new Map<string, KeptCall>();

  constructor(options: ModelTurnOptions) {
    this.#options = options;
    this.names = createToolNames(
      options.ctx.tools.map(({ name }) => name),
      answerTools,
    );
    this.#callId = createCallIds(options.conversation);
    for (const message of options.conversation) {
      const extras = message.role === "ASSISTANT" ? extrasFor(message.native, options.ctx.model) : undefined;
      if (extras && message.role === "ASSISTANT") this.#keep(message.toolCalls, { extras, isOwn: message.runId === options.ctx.runId });
    }
    this.calls = options.calls ?? new Calls(options.ctx, (reason) => this.exchange.fail(reason));
  }

  /** The model of the run, as LangChain's. */
  model(): Promise<BaseChatModel> {
    const { sdk, ctx, plugin, options, outputSchema } = this.#options;
    const onAnswer = (id: string, reader: AnswerReader): void => void this.#answers.set(id, reader);
    return createChatModel(sdk, { model: ctx.model, tools: ctx.tools, plugin, options, outputSchema, onAnswer, kept: this.#kept });
  }

  /**
   * A conversation as LangChain's messages.
   *
   * @param files those in it, loaded.
   * @throws FILE_UNSUPPORTED for one that was not.
   */
  messages(conversation: readonly ConversationMessage[], files: LoadedFiles = new Map()): BaseMessage[] {
    const { sdk, ctx } = this.#options;
    const native = (message: AssistantMessage) => {
      const extras = message.runId === ctx.runId ? extrasFor(message.native, ctx.model) : undefined;
      return extras?.api === "responses" ? extras.items : undefined;
    };
    return toMessages(conversation, { sdk, names: this.names, files, native });
  }

  /** A tool of the platform as LangChain's. */
  tool(definition: ToolDefinition): StructuredToolInterface {
    return toTool(definition, { sdk: this.#options.sdk, names: this.names, calls: this.calls });
  }

  /**
   * The events of a turn, while the framework works.
   *
   * @throws the signal's reason on abort; RUN_SUSPENDED where a call waits for a person; a model's failure, as of the plugin openai.
   */
  async *events(work: (signal: AbortSignal) => Promise<unknown>): AsyncGenerator<RunEventBody> {
    try {
      yield* this.exchange.listen(work, this.#options.ctx.signal);
    } catch (error) {
      throw rootOf(error);
    }
  }

  /** What LangChain calls back. It is waited for, so that nothing is said before what came earlier was heard. */
  get handler(): BaseCallbackHandler {
    const methods = {
      name: "weftline",
      awaitHandlers: true,
      lc_prefer_chat_model_stream_events: true,
      handleChatModelStart: (_model: unknown, messages: BaseMessage[][], id: string, ...rest: readonly unknown[]) =>
        this.exchange.say(() => this.#begin(id, messages[0] ?? [], rest)),
      handleChatModelStreamEvent: (event: ChatModelStreamEvent, id: string) => this.exchange.say(() => this.#hear(id, event)),
      handleLLMNewToken: (text: unknown, _at: unknown, id: string, _parent: unknown, _tags: unknown, told?: unknown) =>
        this.exchange.say(() => this.#hearToken(id, text, (told as { chunk?: { message?: AIMessageChunk } } | undefined)?.chunk?.message)),
      handleLLMEnd: ({ generations }: LLMResult, id: string) =>
        this.exchange.say(() => this.#finish(id, (generations[0]?.[0] as { readonly message?: AIMessage } | undefined)?.message)),
    };
    return this.#options.sdk.callbacks.BaseCallbackHandler.fromMethods(methods);
  }

  *#begin(id: string, messages: readonly BaseMessage[], [, extra, , metadata]: readonly unknown[]): Generator<RunEventBody> {
    const { ctx, nameCall } = this.#options;
    const known = (metadata ?? {}) as Readonly<Record<string, unknown>>;
    const { key, parent } = nameCall(known);
    const speaker: Speaker = bindingOfCall in known ? { model: ctx.model, answering: {}, whose: "own" } : broughtAlong(known);
    const answer = new Answer(key, ctx, { toolName: (wire) => this.names.fromWire(wire), callId: this.#callId });
    const asked = (): number => JSON.stringify([messages.map(({ text }) => text), extra]).length;
    const readers = { reader: createMessageReader(), tokens: new TokenReader() };
    this.#speaking.set(id, { key, speaker, parent, asked, ...readers, heard: "nothing", answer });
    yield {
      kind: "step.started",
      step: key,
      name: speaker.model.model,
      stepKind: "MODEL",
      ...speaker.answering,
      ...(parent === undefined ? {} : { parentStep: parent }),
    };
    yield { kind: "message.started", message: key, ...speaker.answering };
  }

  *#hear(id: string, event: ChatModelStreamEvent): Generator<RunEventBody> {
    const speaking = this.#speaking.get(id);
    if (!speaking) return;
    speaking.heard = "events";
    yield* taken(speaking, speaking.reader.read(event));
  }

  *#hearToken(id: string, text: unknown, chunk: AIMessageChunk | undefined): Generator<RunEventBody> {
    const speaking = this.#speaking.get(id);
    if (speaking?.heard === "nothing") yield* taken(speaking, speaking.tokens.token(text, chunk));
  }

  async *#finish(id: string, message: AIMessage | undefined): AsyncGenerator<RunEventBody> {
    const speaking = this.#speaking.get(id);
    if (!speaking) return;
    this.#speaking.delete(id);
    const { key, asked, answer } = speaking;
    const { model, answering, whose } = speaking.speaker;
    const { sdk, ctx, plugin, options, outputSchema, told = "asWritten" } = this.#options;
    yield* taken(speaking, speaking.heard === "events" ? speaking.reader.rest() : speaking.tokens.message(message));
    const end = this.#endOf(speaking, message);
    const cut = cutCalls(end, answer);
    if (cut.length > 0 && told === "asWritten") await ctx.callTools(cut);
    const kept = answer.kept(end, ctx.model);
    if (kept && whose === "own") this.#keep(answer.calls, { extras: kept.data, isOwn: true });
    const ending = { plugin, model, key, asked, maxOutputTokens: options.maxOutputTokens, kept: whose === "own" ? kept : undefined };
    for (const body of endOfCall(end, answer, { ...ending, mayBeUnread: whose === "brought" }))
      yield body.kind === "usage.recorded" ? { ...body, ...answering } : body;
    if (end.refused && outputSchema) throw new WeftlineError("MODEL_REFUSED", { problem: answer.text });
    this.calls.note(cut.length > 0 ? cut : answer.calls);
    if (!message) return;
    const items = kept?.data.api === "responses" ? kept.data.items : undefined;
    become(message, toAnswer({ text: answer.text, toolCalls: answer.calls }, { sdk, names: this.names }, items));
  }

  /** How an answer ended. Only our own models have to say it: others may leave it out. */
  #endOf({ speaker, reader, tokens, heard, answer }: Speaking, message: AIMessage | undefined): CompleteEnd {
    const blame: Blame = { provider: speaker.model.provider, plugin: this.#options.plugin, secrets: [] };
    const told = heard === "events" ? reader.end() : tokens.end(message);
    const id = (heard === "events" ? told.id : tokens.id) ?? "";
    const own = this.#answers.get(id);
    this.#answers.delete(id);
    if (own || speaker.whose === "own") return completeEnd(own?.end() ?? told, blame);
    return completeEnd({ ...told, reason: told.reason ?? (answer.calls.length > 0 ? "tools" : "stop") }, blame);
  }

  #keep(calls: readonly { readonly callId: string }[], kept: KeptCall): void {
    for (const { callId } of calls) this.#kept.set(callId, kept);
  }
}

type AssistantMessage = Extract<ConversationMessage, { role: "ASSISTANT" }>;

function* taken({ answer }: Speaking, pieces: readonly AnswerPiece[]): Generator<RunEventBody> {
  for (const piece of pieces) {
    const said = answer.take(piece);
    if (said) yield said;
  }
}

function broughtAlong({ ls_provider: provider, ls_model_name: model }: Readonly<Record<string, unknown>>): Speaker {
  const named = (name: unknown): string => (typeof name === "string" && name !== "" ? name : "unknown");
  return {
    model: { provider: named(provider), model: named(model), provenance: "LIVE" },
    answering: { provenance: "LIVE" },
    whose: "brought",
  };
}

/**
 * Makes LangChain's message what was heard: it would leave out calls whose arguments are no JSON, keep two calls under one id, and send
 * thoughts back that are not sealed. Its id is ours: where a provider gives all answers one id, lists of messages would keep the last.
 */
function become(message: AIMessage, heard: AIMessage): void {
  const fields = {
    id: crypto.randomUUID(),
    content: heard.content,
    tool_calls: heard.tool_calls ?? [],
    invalid_tool_calls: [],
    response_metadata: { ...message.response_metadata, output_version: "v0", ...heard.response_metadata },
  };
  Object.assign(message, fields);
  Object.assign(message.lc_kwargs, fields);
}

/** What went wrong beneath LangChain's wrapping. */
function rootOf(error: unknown): unknown {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth++)
    if (each instanceof WeftlineError) return each;
  return error;
}
