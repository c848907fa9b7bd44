import type { RunEventBody } from "./events.ts";

/** Iterates until the end or the abort; an adapter that does not heed the abort is left behind. */
export async function listen(
  stream: AsyncIterable<RunEventBody>,
  signal: AbortSignal,
  hearOne: (body: RunEventBody) => Promise<void> | undefined,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  let stop: (() => void) | undefined;
  const aborted = new Promise<"aborted">((resolve) => {
    stop = () => resolve("aborted");
    signal.addEventListener("abort", stop, { once: true });
  });
  let ended = false;
  try {
    signal.throwIfAborted();
    for (;;) {
      const result = await Promise.race([iterator.next(), aborted]);
      signal.throwIfAborted();
      if (result === "aborted") throw signal.reason;
      if (result.done) {
        ended = true;
        return;
      }
      const wait = hearOne(result.value);
      if (wait) await wait;
    }
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
