import type { ResponseInputItem } from "openai/resources/responses/responses";
import { v7 } from "uuid";
import { WeftlineError, type ConversationMessage, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import type { AnswerPiece } from "./answer.ts";
import type { OpenAIOptions } from "./options.ts";
import { buildRequest, type NativeRequest } from "./request.ts";
import { createToolNames, type ToolNames } from "./tool-names.ts";

type AssistantMessage = Extract<ConversationMessage, { role: "ASSISTANT" }>;

/** The conversation of one turn, as it grows. */
export class Turn {
  readonly #request: RunRequest<OpenAIOptions>;
  readonly #ctx: RunContext;
  readonly #names: ToolNames;
  readonly #messages: ConversationMessage[];
  readonly #native = new Map<ConversationMessage, readonly ResponseInputItem[]>();
  readonly #callIds: Set<string>;

  /** @throws INVALID_INPUT where there is nothing to answer. */
  constructor(request: RunRequest<OpenAIOptions>, ctx: RunContext) {
    if (request.messages.length === 0)
      throw new WeftlineError("INVALID_INPUT", { message: "There is nothing to answer: the run has no message." });
    this.#request = request;
    this.#ctx = ctx;
    this.#names = createToolNames(ctx.tools.map(({ name }) => name));
    this.#messages = [...request.messages];
    this.#callIds = new Set(
      request.messages.flatMap((message) => (message.role === "ASSISTANT" ? message.toolCalls.map(({ callId }) => callId) : [])),
    );
  }

  /** Whether this run has given its answer: its process was lost right after. */
  get answered(): boolean {
    const last = this.#messages.at(-1);
    return last?.role === "ASSISTANT" && last.toolCalls.length === 0 && last.runId === this.#ctx.runId;
  }

  /** The number of the model call that comes next: one more than this run's answers so far, so that a resumed run counts on. */
  get nextCall(): number {
    const start = this.#messages.findLastIndex(({ role }) => role === "USER");
    return this.#messages.slice(start + 1).filter(({ role }) => role === "ASSISTANT").length + 1;
  }

  /** What the next model call says. */
  nextRequest(): NativeRequest {
    const { instructions, options, outputSchema } = this.#request;
    const { model, tools } = this.#ctx;
    return buildRequest({
      model,
      instructions,
      options,
      outputSchema,
      messages: this.#messages,
      tools,
      names: this.#names,
      native: this.#native,
    });
  }

  /** Begins to take down an answer whose message has this name. */
  listen(message: string): Answer {
    return new Answer(message, this.#ctx, {
      toolName: (wire) => this.#names.fromWire(wire),
      // Some servers count their ids anew in each answer; calls are told apart by them.
      callId: (id) => {
        const unique = id !== "" && !this.#callIds.has(id) ? id : `call_${v7()}`;
        this.#callIds.add(unique);
        return unique;
      },
    });
  }

  /** Adds a complete answer to the conversation. */
  add(answer: Answer, native: readonly ResponseInputItem[] | undefined): void {
    const message: AssistantMessage = { role: "ASSISTANT", text: answer.text, toolCalls: answer.calls };
    this.#messages.push(message);
    if (native && answer.renamed === 0) this.#native.set(message, native);
  }

  /**
   * Makes the calls of the last answer that are still to be made.
   *
   * @throws RUN_SUSPENDED where one of them waits for a person.
   */
  async settle(): Promise<void> {
    const index = this.#messages.findLastIndex(({ role }) => role === "ASSISTANT");
    const message = this.#messages[index] as AssistantMessage | undefined;
    const open = message?.toolCalls.filter(({ outcome }) => outcome === undefined) ?? [];
    if (!message || open.length === 0) return;
    const outcomes = await this.#ctx.callTools(open.map(({ callId, name, arguments: args }) => ({ callId, name, arguments: args })));
    const settled: AssistantMessage = {
      ...message,
      toolCalls: message.toolCalls.map((call) => {
        const outcome = outcomes[open.indexOf(call)];
        return outcome ? { ...call, outcome } : call;
      }),
    };
    const native = this.#native.get(message);
    if (native) this.#native.set(settled, native);
    this.#messages[index] = settled;
  }
}

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
