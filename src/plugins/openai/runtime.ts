import { WeftlineError, type AgentRuntime, type Models, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import { cutCalls, endOfCall, limitReached } from "./answer-end.ts";
import { streamAnswer, type AnswerSource } from "./answer-stream.ts";
import { installFix, type LoadedSdk } from "./client.ts";
import { createReader } from "./reading/reader.ts";
import { openaiOptions, openaiOptionsSchema, type OpenAIOptions } from "./options.ts";
import type { NativeRequest } from "./request.ts";
import { standingOn } from "./sdk-standing.ts";
import { Turn } from "./turn.ts";
import { completeEnd } from "./watched.ts";

/** What the runtime is made of. */
interface OpenAIHost {
  /** Says which models there are and how they stand. */
  readonly models: Pick<Models, "list" | "status">;
  /** Loads the SDK, at the first turn only. */
  readonly load: () => Promise<LoadedSdk>;
  /** Of the installed SDK; nothing where there is none. */
  readonly version: string | undefined;
}

/** OpenAI's SDK as a framework: our own loop over model calls and tools, since the platform has to stop between them for approvals. */
export function createOpenAIRuntime({ models, load, version }: OpenAIHost): AgentRuntime<OpenAIOptions> {
  return {
    id: "openai",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: false,
      structuredOutput: true,
      usage: true,
      files: true,
    },
    options: openaiOptions,
    optionsSchema: openaiOptionsSchema,
    ...standingOn({ name: "openai", version, fix: installFix }, models),
    stream: (request, ctx) => converse(load, request, ctx),
  };
}

async function* converse(
  load: () => Promise<LoadedSdk>,
  request: RunRequest<OpenAIOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const turn = new Turn(request, ctx);
  const most = Math.min(request.options.maxSteps, ctx.limits.maxSteps);
  await turn.settle();
  if (turn.answered) return;
  await turn.loadFiles();
  const open = await sourceFor(load, ctx);
  for (;;) {
    // What was said and done stands in the log: the next process asks in its place.
    ctx.drain.throwIfAborted();
    const number = turn.nextCall;
    if (number > most) throw limitReached(most);
    const key = `model/${number}`;
    const source = open(turn.nextRequest());
    const answer = turn.listen(key);
    yield { kind: "step.started", step: key, name: ctx.model.model, stepKind: "MODEL" };
    yield { kind: "message.started", message: key };
    for await (const pieces of streamAnswer(source, ctx)) {
      for (const piece of pieces) {
        const said = answer.take(piece);
        if (said) yield said;
      }
    }
    const end = completeEnd(source.reader.end(), source.blame);
    const { maxOutputTokens } = request.options;
    const asked = (): number => JSON.stringify(source.request.body, withoutFiles).length;
    const cut = cutCalls(end, answer);
    if (cut.length > 0) await ctx.callTools(cut);
    const kept = answer.kept(end, ctx.model);
    yield* endOfCall(end, answer, { plugin: "openai", model: ctx.model, key, asked, maxOutputTokens, kept });
    if (end.refused && request.outputSchema) throw new WeftlineError("MODEL_REFUSED", { problem: answer.text });
    turn.add(answer, kept);
    if (answer.calls.length === 0) return;
    // Before the tools run: nobody would read what they answer.
    if (number >= most) throw limitReached(most);
    await turn.settle();
  }
}

/** What files cost is not known by their length. */
function withoutFiles(_: string, value: unknown): unknown {
  return typeof value === "string" && value.startsWith("data:") ? "" : value;
}

async function sourceFor(load: () => Promise<LoadedSdk>, { model }: RunContext): Promise<(request: NativeRequest) => AnswerSource> {
  const [loaded, key] = await Promise.all([load(), model.apiKey()]);
  const client = loaded.clientFor(model, key);
  const blame = { provider: model.provider, plugin: "openai", secrets: [key] };
  return (request) => ({ loaded, client, request, blame, reader: createReader(request.api) });
}
