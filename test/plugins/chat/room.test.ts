import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LoggedEvent } from "#weftline";
import { Room } from "../../../src/plugins/chat/service/activity/room.ts";
import { AgentActivity, TypingActivity, type Activity, PresenceActivity } from "../../../src/plugins/chat/service/activity/state.ts";

const show = (state: readonly Activity[]): string[] =>
  state.map((activity) => {
    if (activity instanceof TypingActivity) return `${activity.actorId} types`;
    if (activity instanceof PresenceActivity) return `${activity.actorId} is here`;
    return activity instanceof AgentActivity ? `${activity.runId} ${activity.phase}` : "?";
  });

const none = async () => [];
const say = (kind: string, payload: unknown = {}): LoggedEvent => ({ seq: 1, at: 0, kind, runId: "r1", payload });

async function next(channel: AsyncIterator<readonly Activity[]>): Promise<string[] | "end"> {
  const result = await channel.next();
  return result.done ? "end" : show(result.value);
}

/** Counts the events that come within some time. */
async function countWithin(channel: AsyncIterator<readonly Activity[]>, ms: number): Promise<number> {
  const until = Date.now() + ms;
  let count = 0;
  const read = async (): Promise<void> => {
    await channel.next();
    if (Date.now() > until) return;
    count++;
    await read();
  };
  void read();
  await vi.advanceTimersByTimeAsync(ms);
  return count;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a room", () => {
  it("gives the present state first and shows one presence for two tabs", async () => {
    const room = new Room(() => {});
    const first = await room.join("ann", none);
    expect(await next(first)).toEqual(["ann is here"]);
    const second = await room.join("ann", none);
    expect(await next(second)).toEqual(["ann is here"]);
    await first.return?.();
    expect(show(room.state())).toEqual(["ann is here"]);
    await second.return?.();
    expect(show(room.state())).toEqual([]);
  });

  it("lets typing lapse after 6 seconds unless it is renewed", async () => {
    const room = new Room(() => {});
    const channel = await room.join("ann", none);
    await next(channel);
    const start = Date.now();
    expect(room.type("ann", "typing")).toBe(start + 6_000);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(room.type("ann", "typing")).toBe(start + 10_000);
    await vi.advanceTimersByTimeAsync(5_999);
    expect(show(room.state())).toContain("ann types");
    await vi.advanceTimersByTimeAsync(1);
    expect(show(room.state())).toEqual(["ann is here"]);
    expect(await next(channel)).toEqual(["ann is here"]);
  });

  it("ends typing at once when it is told so", async () => {
    const room = new Room(() => {});
    room.type("ann", "typing");
    expect(room.type("ann", "idle")).toBeNull();
    expect(show(room.state())).toEqual([]);
  });

  it("says repeated typing about twice a second and a phase at once", async () => {
    const room = new Room(() => {});
    const channel = await room.join("ann", none);
    await next(channel);
    const keys = setInterval(() => room.type("ann", "typing"), 20);
    const count = await countWithin(channel, 3_000);
    clearInterval(keys);
    expect(count).toBeGreaterThanOrEqual(5);
    expect(count).toBeLessThanOrEqual(8);
    const other = await room.join("ben", none);
    await next(other);
    room.hear([say("run.started")]);
    expect(await next(other)).toContain("r1 THINKING");
    room.hear([say("message.delta", [1, 0, "a"])]);
    expect(await next(other)).toContain("r1 WRITING");
    room.hear([say("run.finished")]);
    expect(await next(other)).not.toContain("r1 WRITING");
  });

  it("gives a slow reader the newest state only", async () => {
    const room = new Room(() => {});
    const channel = await room.join("ann", none);
    for (let step = 0; step < 1_000; step++) room.hear([say(step % 2 ? "run.waiting" : "run.started")]);
    room.hear([say("message.delta", [1, 0, "a"])]);
    expect(channel.size).toBe(1);
    expect(await next(channel)).toEqual(["ann is here", "r1 WRITING"]);
  });

  it("renews what it promised before the promise ends", async () => {
    const room = new Room(() => {});
    const channel = await room.join("ann", none);
    const first = await channel.next();
    await vi.advanceTimersByTimeAsync(40_000);
    const second = await channel.next();
    expect(second.value[0].expiresAt).toBeGreaterThan(first.value[0].expiresAt);
    expect(Date.now()).toBeLessThan(first.value[0].expiresAt);
  });

  it("closes when the last one has gone and leaves no timer behind", async () => {
    let empty = 0;
    const room = new Room(() => empty++);
    const channels = await Promise.all(Array.from({ length: 1_000 }, (_, index) => room.join(`actor ${index}`, none)));
    room.type("actor 1", "typing");
    for (const channel of channels) await channel.return?.();
    expect(empty).toBe(0);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(empty).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends all readers when the thread goes", async () => {
    const room = new Room(() => {});
    const channel = await room.join("ann", none);
    await next(channel);
    room.close();
    expect(await next(channel)).toBe("end");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not keep a reader for whom the runs could not be read", async () => {
    let empty = 0;
    const room = new Room(() => empty++);
    await expect(room.join("ann", () => Promise.reject(new Error("no database")))).rejects.toThrow("no database");
    expect(empty).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
