import { WeftlineError, type ModelBinding } from "#weftline";
import type { AnswerEnd, CompleteEnd } from "./answer.ts";
import type { LoadedSdk } from "./client.ts";
import { providerError, streamFailure, type Blame } from "./errors.ts";

/** After its last word an answer may still say what it cost; no longer than this, in milliseconds. */
const graceMs = 5_000;

/** What an answer's stream is watched with. */
export interface Watch {
  readonly sdk: LoadedSdk["sdk"];
  readonly blame: Blame;
  readonly signal: AbortSignal;
  readonly model: Pick<ModelBinding, "timeoutMs">;
  /** How the answer stands after the events so far. */
  readonly end: () => AnswerEnd;
}

/**
 * Hands out the events of one answer as they come. When the consumer stops early, the request is aborted.
 *
 * @throws the signal's reason on abort; a `PROVIDER_…` code or CONNECTION_LOST for what the provider or the network did.
 */
export async function* watched<Event>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<Event>>,
  { sdk, blame, signal, model, end }: Watch,
): AsyncGenerator<Event> {
  const own = new AbortController();
  let state: "writing" | "complete" | "silent" = "writing";
  let timer = setTimeout(() => {
    state = "silent";
    own.abort();
  }, model.timeoutMs);
  let ended = false;
  try {
    signal.throwIfAborted();
    for await (const event of await open(AbortSignal.any([signal, own.signal]))) {
      yield event;
      if (state !== "writing") continue;
      if (end().reason === undefined) timer.refresh();
      else {
        state = "complete";
        clearTimeout(timer);
        timer = setTimeout(() => own.abort(), graceMs);
      }
    }
    ended = true;
  } catch (error) {
    signal.throwIfAborted();
    if (isSilent(state)) throw silence(blame);
    // A connection that breaks behind a complete answer has broken nothing.
    if (state === "writing" || error instanceof WeftlineError || error instanceof sdk.APIError) throw providerError(error, sdk, blame);
  } finally {
    clearTimeout(timer);
    // What was read to its end leaves its connection to the next answer.
    if (!ended) own.abort();
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
export function completeEnd(end: AnswerEnd, blame: Blame): CompleteEnd {
  if (end.failure) throw streamFailure(end.failure, blame);
  if (end.reason === undefined) throw new WeftlineError("STREAM_TRUNCATED", { provider: blame.provider, plugin: blame.plugin });
  return end as CompleteEnd;
}

/** Read through a function: the compiler does not see that a timer changes it. */
function isSilent(state: string): boolean {
  return state === "silent";
}

function silence(blame: Blame): WeftlineError {
  return new WeftlineError("PROVIDER_TIMEOUT", { provider: blame.provider, plugin: blame.plugin });
}
