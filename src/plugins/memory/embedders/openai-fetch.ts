import { WeftlineError } from "#weftline";

/** In bytes: what a number takes at most, written out, and what stands around them. */
const perNumber = 32;
const besides = 256 * 1_024;

/** Fetches, and ends an answer that is longer than so many numbers can be: what a server sends is not taken into memory whatever its size. */
export function boundedFetch(ask: typeof fetch, numbers: number): typeof fetch {
  const most = numbers * perNumber + besides;
  return async (input, init) => {
    const { body, status, statusText, headers } = await ask(input, init);
    let bytes = 0;
    const counted = body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes > most) controller.error(tooLong());
          else controller.enqueue(chunk);
        },
      }),
    );
    return new Response(counted ?? null, { status, statusText, headers });
  };
}

function tooLong(): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: "The embedder openai",
    reason: "its answer is longer than what was asked for can be.",
    fix: "Check the endpoint of its binding.",
  });
}
