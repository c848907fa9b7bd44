import type { Bed, Side } from "./bed.ts";
import type { Line } from "./client.ts";

const events: Readonly<Record<Side, string>> = {
  ours: `subscription ($of: ID!) { threadEvents(thread: $of) { type ... on MessageDeltaEvent { text } } }`,
  bound: `subscription ($of: ID!) { events(of: $of) { type text } }`,
};

/** A thread that is watched, and what came of it. */
export interface Watched {
  /** Sends a message. @returns after how many milliseconds the first token came; resolves when the run is over. */
  ask(text: string): Promise<Answer>;
}

export interface Answer {
  readonly firstMs: number;
  readonly ms: number;
  readonly frames: readonly Frame[];
}

/** What carries tokens, as it came, and when. */
export interface Frame {
  readonly at: number;
  readonly text: string;
}

/** One run in a new thread, over the line alone: opens it, watches it from its beginning, sends a message, and waits for the end. */
export async function converseOnce(bed: Bed, side: Side, line: Line, text: string): Promise<void> {
  const { thread, send } = bed.over(line);
  const of = await thread();
  const over = line.until(eventsFrom[side], { of }, (frame) => {
    if (frame.includes('"run.failed"')) throw new Error(frame);
    return frame.includes('"run.finished"');
  });
  await Promise.all([over, send(of, text)]);
}

const eventsFrom: Readonly<Record<Side, string>> = {
  ours: `subscription ($of: ID!) { threadEvents(thread: $of, after: 0) { type ... on MessageDeltaEvent { text } } }`,
  bound: events.bound,
};

/** Watches a thread. One line carries at most fifty. */
export async function watch(bed: Bed, side: Side, line: Line, thread: string): Promise<Watched> {
  let ended: () => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  let frames: Frame[] = [];
  let sent = 0;
  let firstMs = Number.NaN;
  const ready = Promise.withResolvers<void>();
  const read = (frame: string): void => {
    if (frame.includes('"message.delta"')) {
      if (frames.length === 0) firstMs = performance.now() - sent;
      frames.push({ at: Date.now(), text: frame });
    } else if (frame.includes('"run.finished"')) ended();
    else if (frame.includes('"run.failed"')) failed(new Error(frame));
    ready.resolve();
  };
  line.run(events[side], { of: thread }, read).catch((error: Error) => (failed(error), ready.reject(error)));
  // Ours tells the present state first; the other says nothing, and is subscribed by the time that it has answered something else.
  if (side === "ours") await ready.promise;
  else await line.run("{ viewer }", {}, () => undefined);
  return {
    ask: async (text) => {
      frames = [];
      sent = performance.now();
      const over = new Promise<void>((resolve, reject) => {
        ended = resolve;
        failed = reject;
      });
      await Promise.all([over, bed.send(thread, text)]);
      return { firstMs, ms: performance.now() - sent, frames };
    },
  };
}
