import type { RunEvent, WeftlineClient } from "../../src/client/index.ts";

/** One client's view of a run: every event once, in order, and the words of each message put together. */
export interface Followed {
  readonly events: number;
  readonly gaps: number;
  readonly repeats: number;
  /** Messages whose deltas, put together, are not what their end says. */
  readonly garbled: number;
  readonly status: string;
  readonly text: string;
}

/** Follows a run to its end across whatever happens; tells `onEvent` of each event. */
export async function followRun(
  client: WeftlineClient,
  run: string,
  onEvent: (event: RunEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Followed> {
  const texts = new Map<string, string>();
  let [events, gaps, repeats, garbled, last] = [0, 0, 0, 0, 0];
  let status = "";
  let text = "";
  for await (const event of client.run(run, { after: 0, ...(signal ? { signal } : {}) })) {
    events++;
    if (event.seq <= last) repeats++;
    else if (event.seq !== last + 1) gaps++;
    last = event.seq;
    if (event.__typename === "MessageDeltaEvent" && event.channel === "TEXT") {
      texts.set(event.messageId, (texts.get(event.messageId) ?? "") + event.text);
    } else if (event.__typename === "MessageFinishedEvent") {
      if ((texts.get(event.messageId) ?? "") !== event.text) garbled++;
      if (event.messageStatus === "COMPLETE") text = event.text;
    } else if (event.__typename === "RunStatusEvent") status = event.runStatus;
    onEvent(event);
  }
  return { events, gaps, repeats, garbled, status, text };
}
