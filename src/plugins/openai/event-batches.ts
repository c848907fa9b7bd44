import { createParser } from "eventsource-parser";
import type { NativeEvent } from "./answer.ts";
import type { LoadedSdk } from "./client.ts";

/**
 * Reads the events off a response: all that came in one piece of its body at once, where the SDK's own stream takes an asynchronous step for each.
 *
 * @throws an APIError of the SDK where the provider reports a failure within the stream, SyntaxError for an event that is not JSON.
 */
export async function* eventBatches(response: Response, sdk: LoadedSdk["sdk"]): AsyncGenerator<readonly NativeEvent[]> {
  const body = response.body?.getReader();
  if (!body) return;
  const decoder = new TextDecoder();
  let state: "reading" | "done" | "failed" = "reading";
  let failure: unknown;
  let batch: NativeEvent[] = [];
  const parser = createParser({
    onEvent({ event, data }) {
      if (state !== "reading") return;
      if (data === "[DONE]") return void (state = "done");
      try {
        batch.push(parsed(event, data, response, sdk));
      } catch (error) {
        state = "failed";
        failure = error;
      }
    },
  });
  try {
    for (;;) {
      const { value, done } = await body.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (batch.length > 0) yield batch;
      batch = [];
      if (isOver(state)) break;
    }
  } finally {
    void body.cancel().catch(() => undefined);
  }
  if (failure !== undefined) throw failure;
}

/** Read through a function: the compiler does not see that the parser changes it. */
function isOver(state: string): boolean {
  return state !== "reading";
}

/** A failure that the provider reports within the stream is the SDK's own error, as its own stream throws it. */
function parsed(event: string | undefined, text: string, { headers }: Response, sdk: LoadedSdk["sdk"]): NativeEvent {
  const data = JSON.parse(text) as NativeEvent & { readonly error?: object };
  if (event !== "error" && !data.error) return data;
  const reported = new sdk.APIError(undefined, data.error ?? data, undefined, headers);
  throw reported;
}
