import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WriteQueue, type Transactions } from "../../src/core/database/queue.ts";

/** Transactions that are noted and nothing else. */
function noted(journal: string[] = [], refused: "begin" | "mark" | "commit" | "none" = "none"): Transactions {
  let state: "open" | "closed" = "closed";
  const note = (word: string, next: typeof state): void => {
    if (word === refused) throw new Error(`${word} was refused`);
    journal.push(word);
    state = next;
  };
  return {
    begin: async () => note("begin", "open"),
    commit: () => note("commit", "closed"),
    rollback: () => note("rollback", "closed"),
    mark: () => {
      if (refused === "mark" && journal.includes("keep")) throw new Error("mark was refused");
    },
    settle: (outcome) => note(outcome, "open"),
    get open() {
      return state === "open";
    },
  };
}

const createQueue = (patienceMs?: number): WriteQueue => new WriteQueue(noted(), patienceMs);

describe("the write queue", () => {
  it("runs one piece of work at a time, in the order of arrival", async () => {
    const queue = createQueue();
    const journal: string[] = [];
    const work = (name: string, ms: number) => async (): Promise<string> => {
      journal.push(`${name} begins`);
      await pause(ms);
      journal.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all([queue.write(work("a", 8)), queue.write(work("b", 4)), queue.write(work("c", 0))])).toEqual(["a", "b", "c"]);
    expect(journal).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("gives upkeep a transaction of its own, whose commit need not wait for the disk", async () => {
    const journal: string[] = [];
    const store = noted(journal);
    const queue = new WriteQueue({
      ...store,
      begin: async (durable) => {
        await store.begin(durable);
        journal.push(durable);
      },
      get open() {
        return store.open;
      },
    });
    const work = async (): Promise<void> => {};
    await Promise.all([queue.write(work), queue.upkeep(work), queue.upkeep(work), queue.write(work), queue.write(work)]);
    const alone = (durable: string): string[] => ["begin", durable, "keep", "commit"];
    expect(journal).toEqual([...alone("now"), ...alone("later"), ...alone("later"), "begin", "now", "keep", "keep", "commit"]);
  });

  it("goes on after work that fails, which hears of its own failure only", async () => {
    const queue = createQueue();
    const failing = queue.write(() => Promise.reject(new Error("no")));
    const thrown = queue.write(() => {
      throw new Error("at once");
    });
    const next = queue.write(async () => "next");
    await expect(failing).rejects.toThrow("no");
    await expect(thrown).rejects.toThrow("at once");
    expect(await next).toBe("next");
  });

  it("knows how much waits or runs, and when it is idle", async () => {
    const queue = createQueue();
    const gate = Promise.withResolvers<void>();
    const first = queue.write(() => gate.promise);
    const second = queue.write(async () => {});
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
    const queue = createQueue(30);
    let ran = false;
    const outer = queue.write(async () => {
      await queue.write(async () => void (ran = true));
    });
    await expect(outer).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("hand the tx on") });
    expect(await queue.write(async () => "goes on")).toBe("goes on");
    expect(ran).toBe(false);
    expect(queue.depth).toBe(0);
  });

  it("takes work from inside other work that does not wait for it", async () => {
    const queue = createQueue();
    const journal: string[] = [];
    let inner: Promise<unknown> = Promise.resolve();
    await queue.write(async () => {
      inner = queue.write(async () => void journal.push("inner"));
      await pause(5);
      journal.push("outer");
    });
    await inner;
    expect(journal).toEqual(["outer", "inner"]);
  });

  it("is patient with work whose caller began in another that is long done", async () => {
    const queue = createQueue(20);
    const begun = Promise.withResolvers<void>();
    let loop: Promise<unknown> = Promise.resolve();
    await queue.write(async () => {
      loop = begun.promise.then(() => queue.write(async () => "late"));
    });
    const slow = queue.write(() => pause(60));
    begun.resolve();
    expect(await loop).toBe("late");
    await slow;
  });

  it("keeps the surroundings of whoever asked", async () => {
    const queue = createQueue();
    const surroundings = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ["a", "b"].map((name) => surroundings.run(name, () => queue.write(async () => surroundings.getStore()))),
    );
    expect(seen).toEqual(["a", "b"]);
  });

  it("commits once for all that came together, and answers nobody before that", async () => {
    const journal: string[] = [];
    const queue = new WriteQueue(noted(journal));
    const write = (name: string): Promise<unknown> =>
      queue.write(
        async () => void journal.push(name),
        () => void journal.push(`${name} is durable`),
      );
    await Promise.all([write("a"), write("b")]);
    await write("c");
    expect(journal).toEqual([
      "begin",
      "a",
      "keep",
      "b",
      "keep",
      "commit",
      "a is durable",
      "b is durable",
      "begin",
      "c",
      "keep",
      "commit",
      "c is durable",
    ]);
  });

  it("takes back the part of one that fails and keeps the others", async () => {
    const journal: string[] = [];
    const queue = new WriteQueue(noted(journal));
    const outcomes = await Promise.allSettled([
      queue.write(async () => "a"),
      queue.write(() => Promise.reject(new Error("no"))),
      queue.write(async () => "c"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(journal).toEqual(["begin", "keep", "undo", "keep", "commit"]);
  });

  it("fails all of those whose commit is refused, and goes on", async () => {
    const journal: string[] = [];
    const queue = new WriteQueue(noted(journal, "commit"));
    const outcomes = await Promise.allSettled([queue.write(async () => "a"), queue.write(async () => "b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(journal).toEqual(["begin", "keep", "keep", "rollback"]);
    await expect(new WriteQueue(noted([], "begin")).write(async () => "a")).rejects.toThrow("begin was refused");
    expect(queue.depth).toBe(0);
  });

  it("rejects one that the store does not let begin, and answers the others", async () => {
    const journal: string[] = [];
    const queue = new WriteQueue(noted(journal, "mark"));
    const outcomes = await Promise.allSettled([queue.write(async () => "a"), queue.write(async () => "b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(journal).toEqual(["begin", "keep", "undo", "commit"]);
    expect(queue.depth).toBe(0);
  });

  it("reads between transactions, in its turn", async () => {
    const journal: string[] = [];
    const queue = new WriteQueue(noted(journal));
    await Promise.all([
      queue.write(async () => void journal.push("write")),
      queue.still(async () => void journal.push("read")),
      queue.write(async () => void journal.push("write")),
    ]);
    expect(journal).toEqual(["begin", "write", "keep", "commit", "read", "begin", "write", "keep", "commit"]);
  });
});
