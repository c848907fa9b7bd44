import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { ConversationMessage, RunContext, RunRequest } from "#weftline";
import { Answer } from "./answer-taken.ts";
import { createCallIds, isAnswered, nextModelCall, nothingToAnswer, settled } from "./conversation.ts";
import { loadFiles, type LoadedFiles } from "./files.ts";
import type { OpenAIOptions } from "./options.ts";
import { buildRequest, type NativeRequest } from "./request.ts";
import { createToolNames, type ToolNames } from "./tool-names.ts";

/** The conversation of one turn, as it grows. */
export class Turn {
  readonly #request: RunRequest<OpenAIOptions>;
  readonly #ctx: RunContext;
  readonly #names: ToolNames;
  readonly #messages: ConversationMessage[];
  readonly #native = new Map<ConversationMessage, readonly ResponseInputItem[]>();
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
      native: this.#native,
      files: this.#files,
    });
  }

  /** Begins to take down an answer whose message has this name. */
  listen(message: string): Answer {
    return new Answer(message, this.#ctx, { toolName: (wire) => this.#names.fromWire(wire), callId: this.#callId });
  }

  /** Adds a complete answer to the conversation. */
  add(answer: Answer, native: readonly ResponseInputItem[] | undefined): void {
    const message: ConversationMessage = { role: "ASSISTANT", text: answer.text, toolCalls: answer.calls };
    this.#messages.push(message);
    if (native && answer.renamed === 0) this.#native.set(message, native);
  }

  /**
   * Makes the calls of the last answer that are still to be made.
   *
   * @throws RUN_SUSPENDED where one of them waits for a person.
   */
  async settle(): Promise<void> {
    const done = await settled(this.#messages, this.#ctx);
    if (!done) return;
    const { index, message } = done;
    const before = this.#messages[index];
    const native = before && this.#native.get(before);
    if (native) this.#native.set(message, native);
    this.#messages[index] = message;
  }
}
