import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
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
  endOfCall,
  type AnswerReader,
  type Blame,
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

/** What one turn of an agent over LangChain's models is made of. */
export interface ModelTurnOptions {
  readonly sdk: LangChainSdk;
  readonly ctx: RunContext;
  /** The framework's id, for failures. */
  readonly plugin: string;
  readonly options: OpenAIOptions;
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
  readonly conversation: readonly ConversationMessage[];
  /** Who makes the calls that models ask for; a {@link Calls} unless said. */
  readonly calls?: TurnCalls;
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
}

/** A model call that is under way. */
interface Speaking {
  readonly key: string;
  readonly speaker: Speaker;
  readonly parent: string | undefined;
  /** How many characters the model was given. */
  readonly asked: () => number;
  readonly reader: AnswerReader<ChatModelStreamEvent>;
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

  constructor(options: ModelTurnOptions) {
    this.#options = options;
    this.names = createToolNames(
      options.ctx.tools.map(({ name }) => name),
      answerTools,
    );
    this.#callId = createCallIds(options.conversation);
    this.calls = options.calls ?? new Calls(options.ctx, (reason) => this.exchange.fail(reason));
  }

  /** The model of the run, as LangChain's. */
  model(): Promise<BaseChatModel> {
    const { sdk, ctx, plugin, options, outputSchema } = this.#options;
    return createChatModel(sdk, { model: ctx.model, tools: ctx.tools, plugin, options, outputSchema });
  }

  /**
   * A conversation as LangChain's messages.
   *
   * @param files those in it, loaded.
   * @throws FILE_UNSUPPORTED for one that was not.
   */
  messages(conversation: readonly ConversationMessage[], files: LoadedFiles = new Map()): BaseMessage[] {
    return toMessages(conversation, { sdk: this.#options.sdk, names: this.names, files });
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
      handleLLMEnd: ({ generations }: LLMResult, id: string) =>
        this.exchange.say(() => this.#finish(id, (generations[0]?.[0] as { readonly message?: AIMessage } | undefined)?.message)),
    };
    return this.#options.sdk.callbacks.BaseCallbackHandler.fromMethods(methods);
  }

  *#begin(id: string, messages: readonly BaseMessage[], [, extra, , metadata]: readonly unknown[]): Generator<RunEventBody> {
    const { ctx, nameCall } = this.#options;
    const known = (metadata ?? {}) as Readonly<Record<string, unknown>>;
    const { key, parent } = nameCall(known);
    const speaker = bindingOfCall in known ? { model: ctx.model, answering: {} } : broughtAlong(known);
    const answer = new Answer(key, ctx, { toolName: (wire) => this.names.fromWire(wire), callId: this.#callId });
    const asked = (): number => JSON.stringify([messages.map(({ text }) => text), extra]).length;
    this.#speaking.set(id, { key, speaker, parent, asked, reader: createMessageReader(), answer });
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
    for (const piece of speaking?.reader.read(event) ?? []) {
      const said = speaking?.answer.take(piece);
      if (said) yield said;
    }
  }

  *#finish(id: string, message: AIMessage | undefined): Generator<RunEventBody> {
    const speaking = this.#speaking.get(id);
    if (!speaking) return;
    this.#speaking.delete(id);
    const { key, asked, reader, answer } = speaking;
    const { model, answering } = speaking.speaker;
    const { sdk, plugin, options, outputSchema } = this.#options;
    const blame: Blame = { provider: model.provider, plugin, secrets: [] };
    const end = completeEnd(reader.end(), blame);
    const ending = endOfCall(end, answer, { plugin, model, key, asked, maxOutputTokens: options.maxOutputTokens });
    for (const body of ending) yield body.kind === "usage.recorded" ? { ...body, ...answering } : body;
    if (end.refused && outputSchema) throw new WeftlineError("MODEL_REFUSED", { problem: answer.text });
    this.calls.note(answer.calls);
    if (message)
      become(
        message,
        toAnswer({ text: answer.text, toolCalls: answer.calls }, { sdk, names: this.names }, answer.renamed === 0 ? end.native : undefined),
      );
  }
}

function broughtAlong({ ls_provider: provider, ls_model_name: model }: Readonly<Record<string, unknown>>): Speaker {
  const named = (name: unknown): string => (typeof name === "string" && name !== "" ? name : "unknown");
  return { model: { provider: named(provider), model: named(model), provenance: "LIVE" }, answering: { provenance: "LIVE" } };
}

/**
 * Makes LangChain's message what was heard: it would leave out calls whose arguments are no JSON, keep two calls under one id, and send
 * thoughts back that are not sealed.
 */
function become(message: AIMessage, heard: AIMessage): void {
  const fields = {
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
