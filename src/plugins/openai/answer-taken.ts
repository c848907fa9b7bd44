import type { RunContext, RunEventBody } from "#weftline";
import type { AnswerPiece } from "./answer.ts";

interface Call {
  readonly callId: string;
  readonly name: string;
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
  /** How many calls could not keep the provider's id. */
  renamed = 0;
  readonly #message: string;
  readonly #ctx: Noting;
  readonly #naming: Naming;
  readonly #calls = new Map<number, Call>();

  constructor(message: string, ctx: Noting, naming: Naming) {
    this.#message = message;
    this.#ctx = ctx;
    this.#naming = naming;
  }

  /** Calls in the order in which the model asked for them; their arguments are JSON text as it wrote them. */
  get calls(): readonly Call[] {
    return [...this.#calls].toSorted(([a], [b]) => a - b).map(([, call]) => call);
  }

  /** Takes a piece; text becomes an event, calls are noted with the engine. */
  take(piece: AnswerPiece): RunEventBody | undefined {
    const { part } = piece;
    switch (piece.kind) {
      case "text":
        if (piece.channel === "TEXT") this.text += piece.text;
        return { kind: "message.delta", message: this.#message, part, channel: piece.channel, text: piece.text };
      case "call": {
        const call = { callId: this.#naming.callId(piece.callId), name: this.#naming.toolName(piece.name), arguments: "" };
        if (call.callId !== piece.callId) this.renamed += 1;
        this.#calls.set(part, call);
        this.#ctx.toolRequested({ callId: call.callId, name: call.name, message: this.#message, part });
        return undefined;
      }
      case "arguments": {
        const call = this.#calls.get(part);
        if (!call) return undefined;
        call.arguments += piece.text;
        this.#ctx.toolArguments(call.callId, piece.text);
        return undefined;
      }
    }
  }
}
