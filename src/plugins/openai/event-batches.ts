import { createParser } from "eventsource-parser";
import type { NativeEvent } from "./answer.ts";
import type { LoadedSdk } from "./client.ts";

/** How long the end of a body may come behind the end of its answer, in milliseconds. */
const patienceMs = 1_000;

/**
 * Reads the events off a response: all that came in one piece of its body at once, where the SDK's own stream takes an asynchronous step for each.
 *
 * @throws an APIError of the SDK where the provider reports a failure within the stream, SyntaxError for an event that is not JSON.
 */
export async function* eventBatches(response: Response, sdk: LoadedSdk["sdk"]): AsyncGenerator<readonly NativeEvent[]> {
  const body = response.body?.getReader();
  if (!body) return;
  const decoder = new TextDecoder();
  const answer: { state: "reading" | "done" | "failed"; failure?: unknown } = { state: "reading" };
  let batch: NativeEvent[] = [];
  const parser = createParser({
    onEvent({ event, data }) {
      if (answer.state !== "reading") return;
      if (data === "[DONE]") return void (answer.state = "done");
      try {
        batch.push(parsed(event, data, response, sdk));
      } catch (error) {
        Object.assign(answer, { state: "failed", failure: error });
      }
    },
  });
  try {
    while (answer.state === "reading") {
      const { value, done } = await body.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (batch.length > 0) yield batch;
      batch = [];
    }
  } finally {
    if (answer.state === "done") void readOn(body);
    else void body.cancel().catch(() => undefined);
  }
  if (answer.state === "failed") throw answer.failure;
}

/** A connection can serve the next answer only if this one's was read to its end; a server that does not end it is not waited for. */
async function readOn(body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const late = setTimeout(() => void body.cancel().catch(() => undefined), patienceMs);
  try {
    while (!(await body.read()).done);
  } catch {
    // Nobody asks for it any more.
  } finally {
    clearTimeout(late);
  }
}

/** A failure that the provider reports within the stream is the SDK's own error, as its own stream throws it. */
function parsed(event: string | undefined, text: string, { headers }: Response, sdk: LoadedSdk["sdk"]): NativeEvent {
  const data = JSON.parse(text) as NativeEvent & { readonly error?: object };
  if (event !== "error" && !data.error) return data;
  const reported = new sdk.APIError(undefined, data.error ?? data, undefined, headers);
  throw reported;
}
