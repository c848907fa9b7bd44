import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ChatCompletionChunk, ChatCompletionCreateParams } from "openai/resources/chat/completions";
import type { ResponseCreateParams, ResponseStreamEvent } from "openai/resources/responses/responses";
import type { ModelBinding } from "#weftline";
import {
  chatSettings,
  completeEnd,
  createReader,
  providerError,
  responsesSettings,
  watched,
  type Blame,
  type ModelSettings,
  type NativeEvent,
} from "#plugins/openai";
import { filterEvent } from "./events.ts";
import { createChunkRepair } from "./repaired-chunks.ts";
import type { LangChainSdk } from "./sdk.ts";

/** In what LangChain knows of a call: the binding that it goes over. */
export const bindingOfCall = "weftline_binding";

/** What a chat model is made of. */
export interface ChatModelSource extends ModelSettings {
  readonly model: ModelBinding;
  /** Whose model it is, for failures: the framework's id. */
  readonly plugin: string;
}

/**
 * LangChain's own ChatOpenAI for a binding, over the one of OpenAI's APIs that it speaks. The client, its failures and its patience are those
 * of the plugin openai: nothing is read from the environment, and nothing is tried again here.
 */
export async function createChatModel(sdk: LangChainSdk, source: ChatModelSource): Promise<BaseChatModel> {
  const { model, plugin, options } = source;
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

  async function* answer<Event extends NativeEvent>(
    open: (signal: AbortSignal) => Promise<AsyncIterable<Event>>,
    signal: AbortSignal,
    tell: (event: Event) => Event = (event) => event,
  ): AsyncGenerator<Event> {
    const reader = createReader(api);
    for await (const event of watched(open, { sdk: sdk.openai.sdk, blame, signal, model, end: () => reader.end() })) {
      reader.read(event);
      yield tell(event);
    }
    const { reason } = completeEnd(reader.end(), blame);
    if (reason === "filter" && api === "responses") yield { type: filterEvent } as unknown as Event;
  }

  /** An answer in one piece, for whoever asks LangChain without listening. */
  const whole = <Result>(asked: PromiseLike<Result>, signal: AbortSignal | null | undefined): Promise<Result> =>
    Promise.resolve(asked).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw providerError(error, sdk.openai.sdk, blame);
    });

  type Asked = { readonly signal?: AbortSignal | null | undefined } | undefined;
  const never = new AbortController().signal;

  // Settings go as they stand: LangChain would leave out what it does not expect of a model's name.
  class Completions extends sdk.models.ChatOpenAICompletions {
    override invocationParams(...asked: Parameters<InstanceType<typeof sdk.models.ChatOpenAICompletions>["invocationParams"]>) {
      return { ...super.invocationParams(...asked), ...chatSettings(source) };
    }

    override completionWithRetry(request: ChatCompletionCreateParams, asked?: Asked): never {
      const { completions } = client.chat;
      const made = request.stream
        ? Promise.resolve(
            answer<ChatCompletionChunk>((signal) => completions.create(request, { signal }), asked?.signal ?? never, createChunkRepair()),
          )
        : whole(completions.create(request, { signal: asked?.signal }), asked?.signal);
      return made as never;
    }
  }
  class Responses extends sdk.models.ChatOpenAIResponses {
    override invocationParams(...asked: Parameters<InstanceType<typeof sdk.models.ChatOpenAIResponses>["invocationParams"]>) {
      return { ...super.invocationParams(...asked), ...responsesSettings(source) };
    }

    override completionWithRetry(request: ResponseCreateParams, asked?: Asked): never {
      const made = request.stream
        ? Promise.resolve(answer<ResponseStreamEvent>((signal) => client.responses.create(request, { signal }), asked?.signal ?? never))
        : whole(client.responses.create(request, { signal: asked?.signal }), asked?.signal);
      return made as never;
    }
  }
  return api === "responses" ? new Responses({ ...fields, zdrEnabled: true }) : new Completions(fields);
}
