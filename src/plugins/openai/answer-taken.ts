import type { ModelBinding, RunContext, RunEventBody } from "#weftline";
import type { AnswerEnd, AnswerPiece } from "./answer.ts";
import { extrasOf, modelNameOf, type KeptExtras } from "./native-answer.ts";

/** A call of an answer, by the platform's names. */
export interface AnswerCall {
  readonly callId: string;
  readonly name: string;
  /** JSON text as the model wrote it. */
  arguments: string;
}

type Noting = Pick<RunContext, "toolRequested" | "toolArguments">;

/** How an answer's calls are named to the engine. */
interface Naming {
  readonly toolName: (wire: string) => string;
  readonly callId: (id: string) => string;
}

/** What a model says in one call, while it says it. */
export class Answer {
  text = "";
  /** How many characters it has so far, thoughts and arguments included. */
  length = 0;
  readonly #message: string;
  readonly #ctx: Noting;
  readonly #naming: Naming;
  readonly #calls = new Map<number, AnswerCall>();

  constructor(message: string, ctx: Noting, naming: Naming) {
    this.#message = message;
    this.#ctx = ctx;
    this.#naming = naming;
  }

  /** Calls in the order in which the model asked for them; their arguments are JSON text as it wrote them. */
  get calls(): readonly AnswerCall[] {
    return [...this.#calls].toSorted(([a], [b]) => a - b).map(([, call]) => call);
  }

  /** What the provider wants back with it, to stand with its message; nothing where it has no calls, behind which it would be sent. */
  kept({ native }: Pick<AnswerEnd, "native">, model: Pick<ModelBinding, "id" | "model">): KeptExtras | undefined {
    if (!native || this.#calls.size === 0) return undefined;
    const calls = [...this.#calls].toSorted(([a], [b]) => a - b).map(([part, { callId }]) => ({ part, callId }));
    return { model: modelNameOf(model), data: extrasOf(native, calls) };
  }

  /** Takes a piece; text becomes an event, calls are noted with the engine. */
  take(piece: AnswerPiece): RunEventBody | undefined {
    const { part } = piece;
    switch (piece.kind) {
      case "text":
        if (piece.channel === "TEXT") this.text += piece.text;
        this.length += piece.text.length;
        return { kind: "message.delta", message: this.#message, part, channel: piece.channel, text: piece.text };
      case "call": {
        const call = { callId: this.#naming.callId(piece.callId), name: this.#naming.toolName(piece.name), arguments: "" };
        this.#calls.set(part, call);
        this.length += call.name.length;
        this.#ctx.toolRequested({ callId: call.callId, name: call.name, message: this.#message, part });
        return undefined;
      }
      case "arguments": {
        const call = this.#calls.get(part);
        if (!call) return undefined;
        call.arguments += piece.text;
        this.length += piece.text.length;
        this.#ctx.toolArguments(call.callId, piece.text);
        return undefined;
      }
    }
  }
}
