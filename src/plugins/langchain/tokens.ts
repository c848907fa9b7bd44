import type { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import {
  CallAssembler,
  Pieces,
  endOf,
  entriesOf,
  fieldsOf,
  reportedUsage,
  spoken,
  words,
  type AnswerEnd,
  type AnswerPiece,
} from "#plugins/openai";

/**
 * Reads an answer that LangChain tells by tokens and by its final message, as models of older versions of LangChain do, and those that do not
 * stream.
 */
export class TokenReader {
  readonly #pieces = new Pieces();
  readonly #calls = new CallAssembler(this.#pieces);
  #id: string | undefined;
  #heard = 0;

  /** The id of LangChain's message. */
  get id(): string | undefined {
    return this.#id;
  }

  token(text: unknown, chunk: AIMessageChunk | undefined): readonly AnswerPiece[] {
    return this.#take(chunk ?? { content: words(text) });
  }

  /** What a message holds; nothing where its tokens were heard. */
  message(message: AIMessage | undefined): readonly AnswerPiece[] {
    const pieces = message && this.#heard === 0 ? this.#take(message) : [];
    return [...pieces, ...this.#calls.rest(), ...this.#pieces.rest()];
  }

  /** How it ended: a model need not say why. */
  end(message: AIMessage | undefined): AnswerEnd {
    const told = fieldsOf(message?.response_metadata);
    const reason = told["finish_reason"] ?? told["stop_reason"] ?? told["done_reason"] ?? "stop";
    const { usage_metadata: counted } = message ?? {};
    const usage = reportedUsage(counted ?? fieldsOf(told["usage"]));
    const named = endOf(reason);
    return {
      ...(named.reason === "stop" && this.#calls.count > 0 ? { reason: "tools" } : named),
      ...(usage && Object.keys(usage).length > 0 ? { usage } : {}),
    };
  }

  #take(message: Partial<Pick<AIMessageChunk, "id" | "content" | "additional_kwargs" | "tool_call_chunks" | "tool_calls">>): AnswerPiece[] {
    this.#id ??= message.id;
    const thoughts = spoken(fieldsOf(message.additional_kwargs)["reasoning_content"], "REASONING");
    const texts = [...thoughts, ...spoken(message.content)].flatMap(({ channel, text }) => this.#pieces.text(channel, channel, text));
    const fragments = entriesOf(message.tool_call_chunks ?? message.tool_calls ?? []);
    const calls = fragments.flatMap(({ index, id, name, args }, place) =>
      this.#calls.add({ index: index ?? place, id, name, arguments: args }),
    );
    this.#heard += texts.length + fragments.length;
    return [...texts, ...calls];
  }
}
