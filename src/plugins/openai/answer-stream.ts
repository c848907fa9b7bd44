import type { OpenAI } from "openai";
import { callHeader, type RunContext } from "#weftline";
import type { AnswerPiece, AnswerReader } from "./answer.ts";
import { requestVia, type LoadedSdk } from "./client.ts";
import type { Blame } from "./errors.ts";
import { eventBatches } from "./reading/event-batches.ts";
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
 * @throws the signal's reason on abort; a `PROVIDER_…` code or CONNECTION_LOST for what the provider or the network did.
 */
export async function* streamAnswer(
  source: AnswerSource,
  { signal, model }: Pick<RunContext, "signal" | "model">,
): AsyncGenerator<readonly AnswerPiece[]> {
  const { loaded, reader, blame } = source;
  const watch = { sdk: loaded.sdk, blame, signal, model, end: () => reader.end() };
  for await (const events of watched(async (own) => eventBatches(await open(source, model, own), blame), watch)) {
    const pieces = joined(events.flatMap((event) => reader.read(event)));
    if (pieces.length > 0) yield pieces;
  }
  const rest = reader.rest();
  if (rest.length > 0) yield rest;
}

async function open({ client, request, reader }: AnswerSource, model: RunContext["model"], signal: AbortSignal): Promise<Response> {
  const options = { signal, ...requestVia(model) };
  const response = await (request.api === "responses"
    ? client.responses.create(request.body, options).asResponse()
    : client.chat.completions.create(request.body, options).asResponse());
  const call = response.headers.get(callHeader);
  if (call !== null) reader.answers?.(call);
  return response;
}

/** Text of one part that came at once, as one piece. */
function joined(pieces: readonly AnswerPiece[]): readonly AnswerPiece[] {
  if (pieces.length < 2) return pieces;
  const whole: AnswerPiece[] = [];
  for (const piece of pieces) {
    const last = whole.at(-1);
    if (last?.kind === "text" && piece.kind === "text" && last.part === piece.part && last.channel === piece.channel) {
      whole[whole.length - 1] = { ...last, text: last.text + piece.text };
    } else whole.push(piece);
  }
  return whole;
}
