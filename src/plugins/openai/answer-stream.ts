import type { OpenAI } from "openai";
import { WeftlineError, type RunContext } from "#weftline";
import type { AnswerEnd, AnswerPiece, AnswerReader, NativeEvent } from "./answer.ts";
import type { LoadedSdk } from "./client.ts";
import { providerError, streamFailure, type Blame } from "./errors.ts";
import type { NativeRequest } from "./request.ts";

/** After its last word an answer may still say what it cost; no longer than this, in milliseconds. */
const graceMs = 5_000;

/** What one answer is read with. */
export interface AnswerSource {
  readonly loaded: LoadedSdk;
  readonly client: OpenAI;
  readonly request: NativeRequest;
  readonly reader: AnswerReader;
  readonly blame: Blame;
}

/** A complete answer's end. */
export type CompleteEnd = AnswerEnd & { readonly reason: NonNullable<AnswerEnd["reason"]> };

/**
 * Asks the model and hands out the pieces of its answer as they come; {@link completeEnd} tells how it ended. When the consumer stops
 * early, the request is aborted.
 *
 * @throws the signal's reason on abort; a `PROVIDER_…` code or STREAM_TRUNCATED for what the provider or the network did.
 */
export async function* streamAnswer(
  source: AnswerSource,
  { signal, model }: Pick<RunContext, "signal" | "model">,
): AsyncGenerator<readonly AnswerPiece[]> {
  const { reader, blame } = source;
  const own = new AbortController();
  let state: "writing" | "complete" | "silent" = "writing";
  let timer = setTimeout(() => {
    state = "silent";
    own.abort();
  }, model.timeoutMs);
  try {
    signal.throwIfAborted();
    for await (const event of await open(source, AbortSignal.any([signal, own.signal]))) {
      const pieces = reader.read(event);
      if (pieces.length > 0) yield pieces;
      if (state !== "writing") continue;
      if (reader.end().reason === undefined) timer.refresh();
      else {
        state = "complete";
        clearTimeout(timer);
        timer = setTimeout(() => own.abort(), graceMs);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isSilent(state)) throw silence(blame);
    // A connection that breaks behind a complete answer has broken nothing.
    if (state === "writing" || error instanceof source.loaded.sdk.APIError) throw providerError(error, source.loaded.sdk, blame);
  } finally {
    clearTimeout(timer);
    own.abort();
  }
  // The SDK's loop ends without a word when it is aborted, and when the server hangs up.
  signal.throwIfAborted();
  if (isSilent(state)) throw silence(blame);
}

/**
 * How an answer ended, once it was read.
 *
 * @throws STREAM_TRUNCATED for one that did not come to its end; a `PROVIDER_…` code where the provider gave up.
 */
export function completeEnd({ reader, blame }: AnswerSource): CompleteEnd {
  const end = reader.end();
  if (end.failure) throw streamFailure(end.failure.code, end.failure.message, blame);
  if (end.reason === undefined) throw new WeftlineError("STREAM_TRUNCATED", { provider: blame.provider, plugin: "openai" });
  return end as CompleteEnd;
}

async function open({ client, request }: AnswerSource, signal: AbortSignal): Promise<AsyncIterable<NativeEvent>> {
  return request.api === "responses"
    ? await client.responses.create(request.body, { signal })
    : await client.chat.completions.create(request.body, { signal });
}

/** Read through a function: the compiler does not see that a timer changes it. */
function isSilent(state: string): boolean {
  return state === "silent";
}

function silence(blame: Blame): WeftlineError {
  return new WeftlineError("PROVIDER_TIMEOUT", { provider: blame.provider, plugin: "openai" });
}
