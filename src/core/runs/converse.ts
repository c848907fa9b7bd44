import pRetry from "p-retry";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import type { AgentCast } from "./cast.ts";
import { withTakenFiles } from "./files.ts";
import { conversationOf, inputMessages } from "./history/conversation.ts";
import { summarize } from "./history/summarize.ts";
import { listen } from "./listen.ts";
import { recall } from "./recall.ts";
import { meterOf } from "./metering/meter.ts";
import { contextOf } from "./run-context.ts";
import type { ConversationMessage, ModelBinding } from "./runtime.ts";
import { inputOf } from "./values/rows.ts";
import { plainOutput } from "./output.ts";
import { checkClosed, checkOutput, hear, type Answer, type Stage } from "./stage.ts";

/** How often a turn is tried when the provider fails in a way that may pass. */
const attempts = 3;

/**
 * Lets an agent's framework speak; a provider's passing failure starts the turn again from the messages that are complete.
 *
 * @throws PROCESS_LOST where it cannot go on with what a lost process began; PROTOCOL_VIOLATION; what the framework throws.
 */
export async function converse(stage: Stage, cast: AgentCast): Promise<Answer> {
  const { host, run, session, abort, drain } = stage;
  if (run.takeovers > 0 && run.startedAt != null && !cast.runtime.features.resume) throw new WeftlineError("PROCESS_LOST");
  session.answersAs(cast.model.provenance);
  if (cast.model.provenance === "LIVE") await meterOf(host.lookup)?.prepare(cast.model);
  await stage.meter.recover();
  const ctx = contextOf(stage, cast);
  const input = await inputOf(host.database.read, run);
  const speak = async (attempt: number): Promise<void> => {
    const nothingSaid = attempt === 1 && run.startedAt == null;
    if (!nothingSaid) await session.flush();
    const said = nothingSaid && run.threadId == null ? inputMessages(input) : await conversation(stage, cast, ctx.model);
    const messages = withTakenFiles(cast.runtime, said);
    const recalled = await recall(stage, cast, messages);
    const request = {
      agent: cast.program.agent,
      instructions: [cast.program.instructions, recalled].filter(Boolean).join("\n\n") || undefined,
      recalled,
      options: cast.program.options as never,
      messages,
      input,
      outputSchema: run.settings.outputSchema ?? cast.program.outputSchema,
    };
    await listen(cast.runtime.stream(request, ctx), abort.signal, (body) => hear(stage, cast.plugin, body));
    if (stage.meter.refused) throw stage.meter.refused;
    checkClosed(stage, cast.plugin);
  };
  await pRetry((attempt) => accounted(stage, speak(attempt)), {
    retries: attempts - 1,
    minTimeout: 500,
    factor: 2,
    randomize: true,
    signal: abort.signal,
    shouldRetry: ({ error }) => cast.runtime.features.resume && mayPass(error) && !abort.signal.aborted,
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !mayPass(error)) return;
      host.log.warn({ runId: run.id, code: error.code }, "a turn failed and is tried again");
      session.breakOff(error.message);
      const wait = error.details.retryAfterMs;
      if (wait !== undefined) await pause(Math.min(wait, 60_000), AbortSignal.any([abort.signal, drain]));
      drain.throwIfAborted();
    },
  });
  const text = session.lastText ?? "";
  const schema = run.settings.outputSchema ?? cast.program.outputSchema;
  return { text, output: schema ? await structured(stage, schema, text) : text };
}

/** Whatever becomes of an attempt, its calls are recorded; and what its framework makes of a refusal of the meter counts for nothing. */
async function accounted({ meter, session, abort }: Stage, attempt: Promise<void>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    meter.abandon();
    if (abort.signal.aborted || !meter.refused) throw error;
    if (asWeftlineError(meter.refused).code === "RUN_SUSPENDED") session.breakOff("It waits for its budget.");
    throw meter.refused;
  }
}

/** Where the history of the thread has outgrown its bounds, it is summarized first. */
async function conversation(stage: Stage, cast: AgentCast, model: ModelBinding): Promise<readonly ConversationMessage[]> {
  const { host, run } = stage;
  const { messages, overflow } = await conversationOf(host, run);
  if (overflow === undefined || cast.answers === "elsewhere") return messages;
  const summarized = await summarize(stage, cast, { model, through: overflow });
  return summarized ? (await conversationOf(host, run)).messages : messages;
}

/** Whether another attempt may do better: a turn that ends because the platform closes is the next process's. */
function mayPass(error: Error): error is WeftlineError {
  return error instanceof WeftlineError && error.retryable && error.code !== "SHUTTING_DOWN";
}

async function structured(
  { host, run }: Pick<Stage, "host" | "run">,
  schema: Readonly<Record<string, unknown>>,
  text: string,
): Promise<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WeftlineError("OUTPUT_INVALID", { problem: "it is not JSON" }, { cause: error });
  }
  const output = plainOutput(value);
  await checkOutput(host, run, { schema, output });
  return output;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
