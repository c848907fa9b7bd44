import type { RunEventBody } from "./events.ts";

/** Iterates until the end or the abort; an adapter that does not heed the abort is left behind. */
export async function listen(
  stream: AsyncIterable<RunEventBody>,
  signal: AbortSignal,
  hearOne: (body: RunEventBody) => Promise<void> | undefined,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  let ended = false;

  async function hearAll(): Promise<void> {
    for (;;) {
      const result = await iterator.next();
      signal.throwIfAborted();
      if (result.done) {
        ended = true;
        return;
      }
      const wait = hearOne(result.value);
      if (wait) await wait;
    }
  }

  try {
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    // One race for all of them: a race an event would leave something behind on the abort each time.
    await Promise.race([hearAll(), aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
