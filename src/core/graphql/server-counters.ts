import type { ServerResponse } from "node:http";
import { Distribution } from "../figures/distribution.ts";
import { serviceRef } from "../kernel/refs.ts";

/** How long requests take, in seconds. */
const requestBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What servers of this process answered, and who is connected, counted where it happens. */
export class ServerCounters {
  /** By place (`graphql`, `probes`, the name of a route, `other`), then by status. */
  readonly requests = new Map<string, Map<number, number>>();
  /** By place: until the answer was out. Event streams are left out, since their readers decide how long they take. */
  readonly requestSeconds = new Map<string, Distribution>();
  /** Operations that began, by kind, over whichever transport. */
  readonly operations = { query: 0, mutation: 0, subscription: 0 };
  /** Subscriptions that are open. */
  subscriptions = 0;
  /** Sockets and event streams that are open. */
  sockets = 0;
  eventStreams = 0;

  /** Counts an answer. @param seconds absent for one whose length says nothing. */
  answered(place: string, status: number, seconds: number | undefined): void {
    let byStatus = this.requests.get(place);
    if (!byStatus) this.requests.set(place, (byStatus = new Map()));
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    if (seconds === undefined) return;
    let times = this.requestSeconds.get(place);
    if (!times) this.requestSeconds.set(place, (times = new Distribution(requestBounds)));
    times.take(seconds);
  }
}

/** The counters of this process's servers; live. */
export const serverCounters = serviceRef<ServerCounters>("weftline.serverCounters");

/** Counts a response once it is out, or its reader has gone. */
export function countAnswer(counters: ServerCounters, place: string, response: ServerResponse): void {
  const start = performance.now();
  response.once("close", () => {
    const streams = String(response.getHeader("content-type") ?? "").startsWith("text/event-stream");
    counters.answered(place, response.statusCode, streams ? undefined : (performance.now() - start) / 1_000);
  });
}
