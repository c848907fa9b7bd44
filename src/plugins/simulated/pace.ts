/** How fast an answer comes. */
export interface Pace {
  /** 0 is full speed: no timers at all. */
  readonly tokensPerSecond: number;
  /** Delay of the first token. */
  readonly firstTokenMs: number;
}

/** One server-sent event (or more) as text, and how many tokens it carries: 0 goes out at once, with what stands before it. */
export interface Frame {
  readonly sse: string;
  readonly tokens: 0 | 1;
}

/** Characters of one chunk of the stream: large enough that encoding and stream overhead vanish, small enough for a quick first byte. */
const chunkLength = 65_536;
const coalesceAbove = 200;
const coalesceMs = 5;

/** Milliseconds from the start until the token with this number, counted from 0, is due. */
function dueMs(pace: Pace, token: number): number {
  return pace.firstTokenMs + (pace.tokensPerSecond === 0 ? 0 : (token * 1000) / pace.tokensPerSecond);
}

/** Milliseconds until an answer of so many tokens is complete. */
export function durationMs(pace: Pace, tokens: number): number {
  return dueMs(pace, Math.max(0, tokens - 1));
}

/**
 * Waits, unless there is nothing to wait for.
 *
 * @throws the signal's reason, at once, when it aborts.
 */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, Math.ceil(ms));
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** A wait that can be ended early, so that nothing is left behind when the stream ends. */
function createWait(): { timer(ms: number): Promise<void>; turn(): Promise<void>; end(): void } {
  let end = (): void => {};
  return {
    timer: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    turn: () =>
      new Promise((resolve) => {
        const immediate = setImmediate(resolve);
        end = () => {
          clearImmediate(immediate);
          resolve();
        };
      }),
    end: () => end(),
  };
}

/**
 * Streams frames at a pace. Tokens are due at fixed times from the start, so a late timer or a slow reader makes up for itself, and the
 * stream is never faster than its pace. Work is done only while somebody reads.
 *
 * @param signal errors the stream with its reason.
 */
export function pacedStream(frames: Iterable<Frame>, pace: Pace, signal: AbortSignal | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = frames[Symbol.iterator]();
  const encoder = new TextEncoder();
  const wait = createWait();
  const clocked = pace.tokensPerSecond > 0 || pace.firstTokenMs > 0;
  const start = clocked ? performance.now() : 0;
  const elapsed = (): number => (clocked ? performance.now() - start : 0);
  let abort: (() => void) | undefined;
  let next = source.next();
  let sent = 0;
  let ended = false;
  let crowded = false;

  const finish = (): void => {
    ended = true;
    if (abort) signal?.removeEventListener("abort", abort);
    wait.end();
  };
  const gather = (now: number): string => {
    let text = "";
    while (!next.done && text.length < chunkLength && (next.value.tokens === 0 || dueMs(pace, sent) <= now)) {
      text += next.value.sse;
      sent += next.value.tokens;
      next = source.next();
    }
    return text;
  };

  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        abort = () => {
          finish();
          controller.error(signal?.reason);
        };
        if (signal?.aborted) abort();
        else signal?.addEventListener("abort", abort, { once: true });
      },
      async pull(controller) {
        // Without this turn of the event loop a long answer at full speed would hold up every other request, and its own abort.
        if (crowded) await wait.turn();
        let text = ended ? "" : gather(elapsed());
        if (text === "" && !ended) {
          const due = dueMs(pace, sent);
          const least = pace.tokensPerSecond > coalesceAbove ? coalesceMs : 1;
          await wait.timer(Math.ceil(Math.max(due - elapsed(), least)));
          // A timer may fire a fraction of a millisecond early; what it waited for counts as due.
          if (!ended) text = gather(Math.max(elapsed(), due));
        }
        if (ended) return;
        crowded = text.length >= chunkLength;
        controller.enqueue(encoder.encode(text));
        if (next.done) {
          finish();
          controller.close();
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
