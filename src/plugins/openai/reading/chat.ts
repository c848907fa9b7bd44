import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { AnswerEnd, AnswerPiece, AnswerReader, NativeEvent } from "../answer.ts";
import { CallAssembler } from "./calls.ts";
import { callExtras, MessageExtras } from "./extras.ts";
import { endOf } from "./finish.ts";
import { Pieces } from "./pieces.ts";
import { beyond, entriesOf, fieldsOf, isFields, spoken, words, type Fields, type Spoken } from "./text.ts";
import { reportedUsage } from "./token-usage.ts";

/** Fields in which servers send thoughts; the first that holds any is read. */
const thoughts = ["reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks"] as const;

/** Reads an answer of Chat Completions, OpenAI's or a compatible server's. */
export function createChatReader(): AnswerReader {
  return new ChatReader();
}

class ChatReader implements AnswerReader {
  readonly #pieces = new Pieces();
  readonly #calls = new CallAssembler(this.#pieces);
  readonly #extras = new MessageExtras();
  readonly #heard = { TEXT: "", REASONING: "" };
  #end: AnswerEnd = {};

  read(event: NativeEvent): readonly AnswerPiece[] {
    const chunk = event as ChatCompletionChunk;
    const choice = chunk.choices?.[0] as ChatCompletionChunk.Choice | null | undefined;
    const content = choice?.delta?.content;
    if (this.#end.id !== undefined && typeof content === "string" && isPlain(chunk, choice as ChatCompletionChunk.Choice))
      return this.#say("TEXT", content);
    return this.#read(chunk as unknown as Fields);
  }

  rest(): readonly AnswerPiece[] {
    return [...this.#calls.rest(), ...this.#pieces.rest()];
  }

  end(): AnswerEnd {
    if (this.#calls.count === 0) return this.#end;
    const message = this.#extras.fields;
    const calls = this.#calls.extras;
    if (Object.keys(message).length + Object.keys(calls).length === 0) return this.#end;
    return { ...this.#end, native: { api: "chat", message, calls } };
  }

  /** A chunk of any shape. */
  #read(chunk: Fields): readonly AnswerPiece[] {
    const choices = entriesOf(chunk["choices"]);
    const choice = choices.find(({ index }, place) => (index ?? place) === 0);
    this.#note({ id: words(chunk["id"]) || undefined });
    for (const usage of [fieldsOf(chunk["x_groq"])["usage"], choice?.["usage"], chunk["usage"]]) this.#count(usage);
    if (!choice) return [];
    const pieces =
      choice["delta"] == null
        ? entriesOf(choice["message"]).flatMap((message) => this.#delta(message, "all"))
        : entriesOf(choice["delta"]).flatMap((delta) => this.#delta(delta, "more"));
    const reason = choice["finish_reason"];
    if (reason != null && reason !== "") this.#end = { ...this.#end, ...endOf(reason) };
    return pieces;
  }

  /** @param says a message repeats what its deltas said. */
  #delta(delta: Fields, says: "more" | "all"): AnswerPiece[] {
    const thought = thoughts.map((field) => spoken(delta[field], "REASONING")).find((said) => said.length > 0) ?? [];
    const refusal = spoken(delta["refusal"]);
    const content = spoken(delta["content"]);
    if (refusal.length > 0) this.#end = { ...this.#end, refused: true };
    this.#extras.take(delta);
    const texts = [...thought, ...(content.length > 0 ? content : refusal)];
    return [
      ...(says === "more" ? texts : this.#unheard(texts)).flatMap(({ channel, text }) => this.#say(channel, text)),
      ...this.#called(delta),
    ];
  }

  #say(channel: Spoken["channel"], text: string): AnswerPiece[] {
    this.#heard[channel] += text;
    return this.#pieces.text(channel === "TEXT" ? "text" : "reasoning", channel, text);
  }

  #unheard(texts: readonly Spoken[]): readonly Spoken[] {
    return (["REASONING", "TEXT"] as const).map((channel) => {
      const own = texts.filter((each) => each.channel === channel);
      return { channel, text: beyond(this.#heard[channel], own.map(({ text }) => text).join("")) };
    });
  }

  #called(delta: Fields): AnswerPiece[] {
    const calls = delta["tool_calls"] == null ? [] : entriesOf(delta["tool_calls"]);
    const legacy = delta["function_call"];
    return [
      ...calls.flatMap((call, place) => {
        // Some servers leave out the layer between a call and its function.
        const { name, arguments: args } = isFields(call["function"]) ? call["function"] : call;
        const extras = callExtras(call);
        const fragment = { index: call["index"] ?? place, id: call["id"], name, arguments: args };
        return this.#calls.add(extras ? { ...fragment, extras } : fragment);
      }),
      ...(isFields(legacy) ? this.#calls.add({ index: "function_call", name: legacy["name"], arguments: legacy["arguments"] }) : []),
    ];
  }

  #note({ id }: { readonly id: string | undefined }): void {
    this.#end = { ...this.#end, ...(this.#end.id === undefined && id !== undefined ? { id } : {}) };
  }

  #count(usage: unknown): void {
    const counted = reportedUsage(usage);
    if (counted) this.#end = { ...this.#end, usage: { ...this.#end.usage, ...counted } };
  }
}

/** Whether a chunk holds text and nothing else, as most do. */
function isPlain({ usage, choices }: ChatCompletionChunk, { index, delta, finish_reason: reason }: ChatCompletionChunk.Choice): boolean {
  if (index !== 0 || choices.length !== 1 || usage || reason) return false;
  for (const field in delta) {
    if (field !== "content" && field !== "role" && delta[field as keyof typeof delta] != null) return false;
  }
  return true;
}
