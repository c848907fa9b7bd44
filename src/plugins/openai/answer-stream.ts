import type { OpenAI } from "openai";
import type { RunContext } from "#weftline";
import type { AnswerPiece, AnswerReader, NativeEvent } from "./answer.ts";
import type { LoadedSdk } from "./client.ts";
import type { Blame } from "./errors.ts";
import type { NativeRequest } from "./request.ts";
import { watched } from "./watched.ts";

/** What one answer is read with. */
export interface AnswerSource {
  readonly loaded: LoadedSdk;
  readonly client: OpenAI;
  readonly request: NativeRequest;
  readonly reader: AnswerReader;
  readonly blame: Blame;
}

/**
 * Asks the model and hands out the pieces of its answer as they come. When the consumer stops early, the request is aborted.
 *
 * @throws the signal's reason on abort; a `PROVIDER_…` code or STREAM_TRUNCATED for what the provider or the network did.
 */
export async function* streamAnswer(
  source: AnswerSource,
  { signal, model }: Pick<RunContext, "signal" | "model">,
): AsyncGenerator<readonly AnswerPiece[]> {
  const { loaded, reader, blame } = source;
  const watch = { sdk: loaded.sdk, blame, signal, model, end: () => reader.end() };
  for await (const event of watched((own) => open(source, own), watch)) {
    const pieces = reader.read(event);
    if (pieces.length > 0) yield pieces;
  }
}

async function open({ client, request }: AnswerSource, signal: AbortSignal): Promise<AsyncIterable<NativeEvent>> {
  return request.api === "responses"
    ? await client.responses.create(request.body, { signal })
    : await client.chat.completions.create(request.body, { signal });
}
