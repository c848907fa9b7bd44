import type { ConversationMessage, RunContext, RunRequest } from "#weftline";
import { Answer } from "./answer-taken.ts";
import { createCallIds, isAnswered, nextModelCall, nothingToAnswer, settled } from "./conversation.ts";
import { loadFiles, type LoadedFiles } from "./files.ts";
import type { KeptExtras } from "./native-answer.ts";
import type { OpenAIOptions } from "./options.ts";
import { buildRequest, type NativeRequest } from "./request.ts";
import { createToolNames, type ToolNames } from "./tool-names.ts";

/** The conversation of one turn, as it grows. */
export class Turn {
  readonly #request: RunRequest<OpenAIOptions>;
  readonly #ctx: RunContext;
  readonly #names: ToolNames;
  readonly #messages: ConversationMessage[];
  readonly #callId: (id: string) => string;
  #files: LoadedFiles = new Map();

  /** @throws INVALID_INPUT where there is nothing to answer. */
  constructor(request: RunRequest<OpenAIOptions>, ctx: RunContext) {
    if (request.messages.length === 0) throw nothingToAnswer();
    this.#request = request;
    this.#ctx = ctx;
    this.#names = createToolNames(ctx.tools.map(({ name }) => name));
    this.#messages = [...request.messages];
    this.#callId = createCallIds(request.messages);
  }

  /** Whether this run has given its answer: its process was lost right after. */
  get answered(): boolean {
    return isAnswered(this.#messages, this.#ctx.runId);
  }

  /** The number of the model call that comes next: one more than this run's answers so far, so that a resumed run counts on. */
  get nextCall(): number {
    return nextModelCall(this.#messages);
  }

  /** Reads the files of the conversation, once a turn. @throws FILE_UNSUPPORTED */
  async loadFiles(): Promise<void> {
    this.#files = await loadFiles(this.#messages, this.#ctx.model);
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
      runId: this.#ctx.runId,
      files: this.#files,
    });
  }

  /** Begins to take down an answer whose message has this name. */
  listen(message: string): Answer {
    return new Answer(message, this.#ctx, { toolName: (wire) => this.#names.fromWire(wire), callId: this.#callId });
  }

  /** Adds a complete answer to the conversation. */
  add({ text, calls: toolCalls }: Answer, native: KeptExtras | undefined): void {
    this.#messages.push({ role: "ASSISTANT", text, toolCalls, runId: this.#ctx.runId, ...(native ? { native } : {}) });
  }

  /**
   * Makes the calls of the last answer that are still to be made.
   *
   * @throws RUN_SUSPENDED where one of them waits for a person.
   */
  async settle(): Promise<void> {
    const done = await settled(this.#messages, this.#ctx);
    if (!done) return;
    this.#messages[done.index] = done.message;
  }
}
