import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WriteQueue } from "../../src/core/database/queue.ts";

describe("the write queue", () => {
  it("runs one piece of work at a time, in the order of arrival", async () => {
    const queue = new WriteQueue();
    const journal: string[] = [];
    const work = (name: string, ms: number) => async (): Promise<string> => {
      journal.push(`${name} begins`);
      await pause(ms);
      journal.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all([queue.run(work("a", 8)), queue.run(work("b", 4)), queue.run(work("c", 0))])).toEqual(["a", "b", "c"]);
    expect(journal).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("goes on after work that fails, which hears of its own failure only", async () => {
    const queue = new WriteQueue();
    const failing = queue.run(() => Promise.reject(new Error("no")));
    const thrown = queue.run(() => {
      throw new Error("at once");
    });
    const next = queue.run(async () => "next");
    await expect(failing).rejects.toThrow("no");
    await expect(thrown).rejects.toThrow("at once");
    expect(await next).toBe("next");
  });

  it("knows how much waits or runs, and when it is idle", async () => {
    const queue = new WriteQueue();
    const gate = Promise.withResolvers<void>();
    const first = queue.run(() => gate.promise);
    const second = queue.run(async () => {});
    expect(queue.depth).toBe(2);
    let idle = false;
    const waiting = queue.idle().then(() => (idle = true));
    await pause(5);
    expect(idle).toBe(false);
    gate.resolve();
    await Promise.all([first, second, waiting]);
    expect(queue.depth).toBe(0);
    await queue.idle();
  });

  it("refuses work that waits for the work it was called for in, which would wait for ever", async () => {
    const queue = new WriteQueue(30);
    let ran = false;
    const outer = queue.run(async () => {
      await queue.run(async () => void (ran = true));
    });
    await expect(outer).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("hand the tx on") });
    expect(await queue.run(async () => "goes on")).toBe("goes on");
    expect(ran).toBe(false);
    expect(queue.depth).toBe(0);
  });

  it("takes work from inside other work that does not wait for it", async () => {
    const queue = new WriteQueue(30);
    const journal: string[] = [];
    let inner: Promise<unknown> = Promise.resolve();
    await queue.run(async () => {
      inner = queue.run(async () => void journal.push("inner"));
      await pause(5);
      journal.push("outer");
    });
    await inner;
    expect(journal).toEqual(["outer", "inner"]);
  });

  it("is patient with work whose caller began in another that is long done", async () => {
    const queue = new WriteQueue(20);
    const begun = Promise.withResolvers<void>();
    let loop: Promise<unknown> = Promise.resolve();
    await queue.run(async () => {
      loop = begun.promise.then(() => queue.run(async () => "late"));
    });
    const slow = queue.run(() => pause(60));
    begun.resolve();
    expect(await loop).toBe("late");
    await slow;
  });

  it("keeps the surroundings of whoever asked", async () => {
    const queue = new WriteQueue();
    const surroundings = new AsyncLocalStorage<string>();
    const seen = await Promise.all(["a", "b"].map((name) => surroundings.run(name, () => queue.run(async () => surroundings.getStore()))));
    expect(seen).toEqual(["a", "b"]);
  });
});
