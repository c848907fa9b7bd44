import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import type { NativeAnswer } from "./native-answer.ts";
import type { ReportedUsage } from "./reading/token-usage.ts";

/** An event of one of the two APIs, as the SDK hands it out. */
export type NativeEvent = ResponseStreamEvent | ChatCompletionChunk;

/** A piece of an answer, the same for both APIs. Parts are numbered in the order in which they appear. */
export type AnswerPiece =
  | { readonly kind: "text"; readonly part: number; readonly channel: "TEXT" | "REASONING"; readonly text: string }
  /** The model begins to write a call; `name` is the function's name on the wire, `callId` may be empty. */
  | { readonly kind: "call"; readonly part: number; readonly callId: string; readonly name: string }
  | { readonly kind: "arguments"; readonly part: number; readonly text: string };

/** How an answer ended, as far as the provider said. */
export interface AnswerEnd {
  /** Absent while the answer is not complete. */
  readonly reason?: "stop" | "length" | "tools" | "filter";
  /** Whether what it says is a refusal. */
  readonly refused?: true;
  /** Why the provider gave up within the stream. */
  readonly failure?: ReportedFailure;
  /** As far as it was reported. */
  readonly usage?: ReportedUsage;
  /** The provider's id of the answer. */
  readonly id?: string;
  /** What the provider wants back with it. */
  readonly native?: NativeAnswer;
  /** The call that it answers, by the name that the platform gave it. */
  readonly call?: string;
}

/** What a provider said of its failure within a stream that began well. */
export interface ReportedFailure {
  /** The provider's own, as in `rate_limit_exceeded`, or a status. */
  readonly code?: unknown;
  readonly message: string;
}

/** A complete answer's end. */
export type CompleteEnd = AnswerEnd & { readonly reason: NonNullable<AnswerEnd["reason"]> };

/** Reads one answer. It holds nothing but what it was given. */
export interface AnswerReader<Event = NativeEvent> {
  /** What an event adds, whatever its shape. */
  read(event: Event): readonly AnswerPiece[];
  /** What was held back until it was known that nothing follows. */
  rest(): readonly AnswerPiece[];
  end(): AnswerEnd;
  /** Takes note of the call that the platform counts it to. */
  answers?(call: string): void;
}

/** What one piece after the other says about a part, so that a final text adds only what the deltas left out. */
export interface PartText {
  readonly part: number;
  text: string;
}

/** Numbers parts by their keys, in order of appearance. */
export class Parts {
  readonly #parts = new Map<string, PartText>();

  get(key: string): PartText | undefined {
    return this.#parts.get(key);
  }

  open(key: string): PartText {
    let part = this.#parts.get(key);
    if (!part) this.#parts.set(key, (part = { part: this.#parts.size, text: "" }));
    return part;
  }
}
