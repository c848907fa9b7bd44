import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { ModelBinding } from "#weftline";
import {
  chatSettings,
  createReader,
  responsesSettings,
  streamAnswer,
  type AnswerReader,
  type Blame,
  type ModelSettings,
  type NativeRequest,
} from "#plugins/openai";
import { chunksOf, eventsOf, type SpokenAnswer } from "./answers.ts";
import { withOwnCallbacks } from "./own-callbacks.ts";
import { forChat, forResponses, type KeptCalls } from "./sent-back.ts";
import type { LangChainSdk } from "./sdk.ts";

/** In what LangChain knows of a call: the binding that it goes over. */
export const bindingOfCall = "weftline_binding";

/** What a chat model is made of. */
export interface ChatModelSource extends ModelSettings {
  readonly model: ModelBinding;
  /** Whose model it is, for failures: the framework's id. */
  readonly plugin: string;
  /** Told of each answer as it begins, by the id of LangChain's message. */
  readonly onAnswer?: (id: string, reader: AnswerReader) => void;
  /** What providers want back with calls of earlier answers. */
  readonly kept?: KeptCalls;
}

/**
 * LangChain's own ChatOpenAI for a binding, over the one of OpenAI's APIs that it speaks. LangChain makes the requests; answers are read, and
 * failures told, as the plugin openai does. Nothing is read from the environment, and nothing is tried again here.
 */
export async function createChatModel(sdk: LangChainSdk, source: ChatModelSource): Promise<BaseChatModel> {
  const { model, plugin, options, onAnswer, kept = new Map() } = source;
  const key = await model.apiKey();
  const client = sdk.openai.clientFor(model, key);
  const blame: Blame = { provider: model.provider, plugin, secrets: [key] };
  const api = options.api ?? model.api;
  const fields = {
    model: model.model,
    // The client has the real one; a key of the environment is not even read.
    apiKey: "with-the-client",
    configuration: { baseURL: model.baseURL, organization: null },
    maxRetries: 0,
    streamUsage: true,
    // So that its calls are told from those of a model that somebody brought along.
    metadata: { [bindingOfCall]: model.id },
  };
  const never = new AbortController().signal;

  const speak = (request: NativeRequest, signal: AbortSignal | undefined): SpokenAnswer => {
    const reader = createReader(api);
    const id = `answer-${crypto.randomUUID()}`;
    onAnswer?.(id, reader);
    const pieces = streamAnswer({ loaded: sdk.openai, client, request, reader, blame }, { signal: signal ?? never, model });
    return { id, pieces, reader, blame };
  };
  const whole = async (chunks: AsyncIterable<ChatGenerationChunk>): Promise<ChatResult> => {
    let answer: ChatGenerationChunk | undefined;
    for await (const chunk of chunks) answer = answer?.concat(chunk) ?? chunk;
    return { generations: answer ? [answer] : [] };
  };

  // Settings go as they stand: LangChain would leave out what it does not expect of a model's name.
  class Completions extends sdk.models.ChatOpenAICompletions {
    protected override _separateRunnableConfigFromCallOptionsCompat(
      given?: Partial<this["ParsedCallOptions"]>,
    ): [RunnableConfig, this["ParsedCallOptions"]] {
      const [config, asked] = super._separateRunnableConfigFromCallOptionsCompat(given);
      return [withOwnCallbacks(sdk, config), asked];
    }

    override invocationParams(...asked: Parameters<InstanceType<typeof sdk.models.ChatOpenAICompletions>["invocationParams"]>) {
      return { ...super.invocationParams(...asked), ...chatSettings(source) };
    }

    override async *_streamChatModelEvents(messages: BaseMessage[], asked: this["ParsedCallOptions"]) {
      yield* eventsOf(this.#speak(messages, asked));
    }

    override async *_streamResponseChunks(
      messages: BaseMessage[],
      asked: this["ParsedCallOptions"],
      run?: CallbackManagerForLLMRun,
    ): AsyncGenerator<ChatGenerationChunk> {
      yield* chunksOf(sdk, this.#speak(messages, asked), run);
    }

    override _generate(messages: BaseMessage[], asked: this["ParsedCallOptions"], run?: CallbackManagerForLLMRun): Promise<ChatResult> {
      return whole(this._streamResponseChunks(messages, asked, run));
    }

    #speak(messages: BaseMessage[], asked: this["ParsedCallOptions"]): SpokenAnswer {
      const written = sdk.models.convertMessagesToCompletionsMessageParams({ messages, model: this.model });
      const settings = this.invocationParams(asked, { streaming: true });
      return speak({ api: "chat", body: { ...settings, messages: forChat(written, kept), stream: true } }, asked.signal);
    }
  }
  class Responses extends sdk.models.ChatOpenAIResponses {
    protected override _separateRunnableConfigFromCallOptionsCompat(
      given?: Partial<this["ParsedCallOptions"]>,
    ): [RunnableConfig, this["ParsedCallOptions"]] {
      const [config, asked] = super._separateRunnableConfigFromCallOptionsCompat(given);
      return [withOwnCallbacks(sdk, config), asked];
    }

    override invocationParams(...asked: Parameters<InstanceType<typeof sdk.models.ChatOpenAIResponses>["invocationParams"]>) {
      return { ...super.invocationParams(...asked), ...responsesSettings(source) };
    }

    override async *_streamChatModelEvents(messages: BaseMessage[], asked: this["ParsedCallOptions"]) {
      yield* eventsOf(this.#speak(messages, asked));
    }

    override async *_streamResponseChunks(
      messages: BaseMessage[],
      asked: this["ParsedCallOptions"],
      run?: CallbackManagerForLLMRun,
    ): AsyncGenerator<ChatGenerationChunk> {
      yield* chunksOf(sdk, this.#speak(messages, asked), run);
    }

    override _generate(messages: BaseMessage[], asked: this["ParsedCallOptions"], run?: CallbackManagerForLLMRun): Promise<ChatResult> {
      return whole(this._streamResponseChunks(messages, asked, run));
    }

    #speak(messages: BaseMessage[], asked: this["ParsedCallOptions"]): SpokenAnswer {
      const written = sdk.models.convertMessagesToResponsesInput({ messages, zdrEnabled: true, model: this.model });
      const body = { ...this.invocationParams(asked), input: forResponses(written), stream: true };
      return speak({ api: "responses", body: body as Extract<NativeRequest, { api: "responses" }>["body"] }, asked.signal);
    }
  }
  return api === "responses" ? new Responses({ ...fields, zdrEnabled: true }) : new Completions(fields);
}
