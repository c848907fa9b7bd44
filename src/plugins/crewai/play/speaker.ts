import type { RunContext } from "#weftline";
import {
  Answer,
  buildRequest,
  completeEnd,
  createReader,
  type createSdkLoader,
  createToolNames,
  cutCalls,
  endOfCall,
  streamAnswer,
  type AnswerSource,
  type CompleteEnd,
  type KeptExtras,
} from "#plugins/openai";
import type { Events } from "./events.ts";
import type { ModelAnswer, ModelRequest } from "./model-call.ts";

/** Asks a model and tells what it says, as it says it. */
export class Speaker {
  readonly #ctx: RunContext;
  readonly #events: Events;
  readonly #load: ReturnType<typeof createSdkLoader>;

  constructor(ctx: RunContext, events: Events, load: ReturnType<typeof createSdkLoader>) {
    this.#ctx = ctx;
    this.#events = events;
    this.#load = load;
  }

  /**
   * @param key names the question; the ids of calls begin with it.
   * @param step the name of the model call's step.
   * @throws a `PROVIDER_…` code, CONNECTION_LOST, STREAM_TRUNCATED, or the signal's reason.
   */
  async speak(request: ModelRequest, key: string, step: string): Promise<ModelAnswer> {
    const { place, binding, voice } = request;
    const names = createToolNames(request.tools.map(({ name }) => name));
    const source = await this.#sourceFor(request, names);
    const answer = this.#answerTo(request, step, key, names);
    await this.#events.tell({ kind: "step.started", step, name: binding.model, stepKind: "MODEL", parentStep: place.key });
    if (voice === "said") await this.#events.tell({ kind: "message.started", message: step });
    for await (const pieces of streamAnswer(source, { signal: this.#ctx.signal, model: binding })) {
      for (const piece of pieces) {
        const said = answer.take(piece);
        if (said && voice === "said") await this.#events.tell(said);
      }
    }
    const end = completeEnd(source.reader.end(), source.blame);
    const cut = cutCalls(end, answer);
    const platforms = new Set(request.tools.flatMap(({ name, by }) => (by === "platform" ? [name] : [])));
    const refused = cut.filter(({ name }) => platforms.has(name));
    if (refused.length > 0) await this.#ctx.callTools(refused);
    const kept = answer.kept(end, binding);
    await this.#end(end, answer, request, { step, kept, asked: () => JSON.stringify(source.request.body).length });
    const problem = cut[0]?.problem;
    const calls = problem === undefined ? answer.calls : answer.calls.map((call) => ({ ...call, problem }));
    return { text: answer.text, calls, ...(kept ? { native: kept } : {}) };
  }

  async #sourceFor(
    { binding, messages, options, outputSchema, tools }: ModelRequest,
    names: ReturnType<typeof createToolNames>,
  ): Promise<AnswerSource> {
    const [loaded, secret] = await Promise.all([this.#load(), binding.apiKey()]);
    const request = buildRequest({
      model: binding,
      instructions: undefined,
      options,
      messages,
      tools,
      names,
      outputSchema,
    });
    const blame = { provider: binding.provider, plugin: "crewai", secrets: [secret] };
    return { loaded, client: loaded.clientFor(binding, secret), request, blame, reader: createReader(request.api) };
  }

  /** Calls that the platform makes stand in the log; those that hand work on show as steps. */
  #answerTo({ tools }: ModelRequest, step: string, key: string, names: ReturnType<typeof createToolNames>): Answer {
    const noted = new Set<string>();
    const platform = new Set(tools.flatMap(({ name, by }) => (by === "platform" ? [name] : [])));
    let calls = 0;
    const noting: Pick<RunContext, "toolRequested" | "toolArguments"> = {
      toolRequested: (call) => {
        if (!platform.has(call.name)) return;
        noted.add(call.callId);
        this.#ctx.toolRequested(call);
      },
      toolArguments: (callId, delta) => {
        if (noted.has(callId)) this.#ctx.toolArguments(callId, delta);
      },
    };
    return new Answer(step, noting, { toolName: (wire) => names.fromWire(wire), callId: () => `${key}-${++calls}` });
  }

  async #end(
    end: CompleteEnd,
    answer: Answer,
    request: ModelRequest,
    { step, kept, asked }: { step: string; kept: KeptExtras | undefined; asked: () => number },
  ): Promise<void> {
    const { binding, options, voice } = request;
    const ending = { plugin: "crewai", model: binding, key: step, asked, kept, maxOutputTokens: options.maxOutputTokens };
    for (const body of endOfCall(end, answer, ending)) {
      if (body.kind !== "message.finished" || voice === "said") await this.#events.tell(body);
    }
  }
}
