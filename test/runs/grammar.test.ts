import { assert, constantFrom, integer, nat, property, tuple, type Arbitrary, array } from "fast-check";
import { describe, expect, it } from "vitest";
import { WeftlineError } from "../../src/core/errors.ts";
import type { NewEvent } from "../../src/core/runs/events.ts";
import { createGrammar } from "../../src/core/runs/grammar.ts";

/** A run that is written at random, and what it may say next. */
class Writer {
  readonly events: NewEvent[] = [];
  readonly messages: number[] = [];
  readonly steps: number[] = [];
  readonly calls = new Map<number, number>();
  readonly interrupts: string[] = [];
  #state: "RUNNING" | "WAITING" | "PAUSED" | "CANCELLING" = "RUNNING";
  #m = 0;
  #s = 0;
  #c = 0;
  #i = 0;

  constructor() {
    this.#put("run.queued", {});
    this.#put("run.started", {});
  }

  /** Writes one of the moves that are open now. */
  move(choice: number): void {
    const moves = this.#moves();
    moves[choice % moves.length]?.();
  }

  /** Closes what is open and ends the run. */
  end(choice: number): NewEvent[] {
    for (const m of this.messages.splice(0)) this.#put("message.finished", { m, status: "FAILED", text: "" });
    for (const c of this.calls.keys()) this.#put("tool.finished", { c, status: "CANCELLED", error: "over" });
    for (const s of this.steps.splice(0)) this.#put("step.finished", { s, status: "CANCELLED" });
    for (const interrupt of this.interrupts.splice(0)) this.#put("interrupt.resolved", { interrupt, status: "CANCELLED" });
    const usage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, estimated: false };
    const kinds = ["run.cancelled", "run.failed", "run.expired", ...(this.#state === "RUNNING" ? ["run.finished"] : [])];
    this.#put(kinds[choice % kinds.length] ?? "run.cancelled", { usage });
    return this.events;
  }

  #put(kind: string, payload: unknown): void {
    this.events.push({ kind, payload });
  }

  #moves(): (() => void)[] {
    const decide = this.interrupts.map((interrupt) => () => {
      this.interrupts.splice(this.interrupts.indexOf(interrupt), 1);
      this.#put("interrupt.resolved", { interrupt, status: "RESOLVED" });
    });
    const signal = (): void => this.#put("signal.received", { name: "go", payload: 1 });
    const resume = (): void => this.#go("RUNNING", "run.resumed");
    const cancel = (): void => this.#go("CANCELLING", "run.cancelling");
    const pause = (): void => this.#go("PAUSED", "run.paused");
    const wait = (): void => this.#go("WAITING", "run.waiting");
    if (this.#state === "WAITING") return [...decide, signal, resume, cancel, pause];
    if (this.#state === "PAUSED") return [...decide, signal, resume, cancel, wait];
    const state = this.#state === "RUNNING" ? [wait, resume, cancel, pause, signal] : [];
    return [...decide, ...state, ...this.#messageMoves(), ...this.#stepMoves(), ...this.#callMoves(), ...this.#plainMoves()];
  }

  #go(state: "RUNNING" | "WAITING" | "PAUSED" | "CANCELLING", kind: string): void {
    this.#state = state;
    this.#put(kind, {});
  }

  #messageMoves(): (() => void)[] {
    const start = (): void => {
      this.messages.push(++this.#m);
      this.#put("message.started", { m: this.#m, role: "ASSISTANT", attempt: 1 });
    };
    const perMessage = this.messages.flatMap((m) => [
      () => this.#put("message.delta", [m, 0, "word "]),
      () => this.#put("message.delta", [m, 1, "thought ", 1]),
      () => {
        this.messages.splice(this.messages.indexOf(m), 1);
        this.#put("message.finished", { m, status: "COMPLETE", text: "word " });
      },
      () => {
        this.messages.splice(this.messages.indexOf(m), 1);
        this.#put("message.finished", { m, status: "FAILED", text: "", supersededBy: `0198c0de-run.${this.#m + 1}` });
        start();
      },
    ]);
    return [start, ...perMessage];
  }

  #stepMoves(): (() => void)[] {
    const start = (parent?: number): void => {
      this.steps.push(++this.#s);
      this.#put("step.started", {
        s: this.#s,
        key: `k${this.#s}`,
        name: "n",
        stepKind: "MODEL",
        attempt: 1,
        ...(parent === undefined ? {} : { parent }),
      });
    };
    return [
      () => start(),
      ...this.steps.flatMap((s) => [
        () => start(s),
        () => this.#put("usage.recorded", { s, provider: "p", model: "m", inputTokens: 1, outputTokens: 2 }),
        () => {
          this.steps.splice(this.steps.indexOf(s), 1);
          this.#put("step.finished", { s, status: "SUCCEEDED" });
        },
      ]),
    ];
  }

  #callMoves(): (() => void)[] {
    const request = (where: object): void => {
      this.calls.set(++this.#c, 0);
      this.#put("tool.requested", { c: this.#c, name: "t", ...where });
    };
    const perCall = [...this.calls].flatMap(([c, attempt]) => [
      () => this.#put("tool.arguments", { c, delta: "{" }),
      () => {
        this.calls.set(c, attempt + 1);
        this.#put("tool.started", { c, attempt: attempt + 1 });
      },
      ...(attempt > 0 ? [() => this.#put("tool.progress", { c, data: 1 })] : []),
      () => {
        const interrupt = `i${++this.#i}`;
        this.interrupts.push(interrupt);
        this.#put("interrupt.raised", { interrupt, status: "PENDING" });
      },
      () => {
        this.calls.delete(c);
        this.#put("tool.finished", { c, status: "SUCCESS", result: 1 });
      },
    ]);
    return [() => request({}), ...this.messages.map((m) => () => request({ m, part: 10 + this.#c })), ...perCall];
  }

  #plainMoves(): (() => void)[] {
    return [
      () => this.#put("progress", { done: 1, total: 2 }),
      () => this.#put("custom", { name: "note" }),
      () => this.#put("state.patched", { patch: [] }),
      () => this.#put("notes.kept", { records: [] }),
    ];
  }
}

const choices = array(nat(), { maxLength: 80, size: "max" });

const legalRun: Arbitrary<NewEvent[]> = tuple(choices, nat()).map(([moves, ending]) => {
  const writer = new Writer();
  for (const choice of moves) writer.move(choice);
  return writer.end(ending);
});

/** A run at some point of its life, with the writer that knows what is open. */
const openRun: Arbitrary<Writer> = choices.map((moves) => {
  const writer = new Writer();
  for (const choice of moves) writer.move(choice);
  return writer;
});

function accepts(events: readonly NewEvent[]): boolean {
  const grammar = createGrammar();
  try {
    for (const event of events) grammar.check(event);
    return true;
  } catch (error) {
    if (error instanceof WeftlineError && error.code === "PROTOCOL_VIOLATION") return false;
    throw error;
  }
}

const numberOf = ({ payload }: NewEvent, name: string): unknown => (payload as Record<string, unknown>)[name];

describe("the grammar of a run's events", () => {
  it("accepts every run that keeps the protocol", () => {
    assert(property(legalRun, (events) => accepts(events)));
  });

  it("lists exactly what a run left open, also when it is restored without the deltas", () => {
    assert(
      property(openRun, (writer) => {
        const restored = createGrammar();
        restored.replay(writer.events.filter(({ kind }) => kind !== "message.delta"));
        expect(restored.open()).toEqual({
          messages: writer.messages,
          steps: writer.steps,
          calls: [...writer.calls.keys()],
          interrupts: writer.interrupts,
        });
      }),
    );
  });

  it("goes on after a restore as it would have gone on without one", () => {
    assert(
      property(legalRun, nat(), (events, cut) => {
        const at = cut % events.length;
        const restored = createGrammar();
        restored.replay(events.slice(0, at).filter(({ kind }) => kind !== "message.delta"));
        for (const event of events.slice(at)) restored.check(event);
      }),
    );
  });

  it("refuses everything after the last event", () => {
    assert(property(legalRun, legalRun, nat(), (events, others, pick) => !accepts([...events, others[pick % others.length] as NewEvent])));
  });

  it("refuses to end a run that has something open", () => {
    assert(
      property(openRun, constantFrom("run.finished", "run.failed", "run.cancelled", "run.expired"), (writer, kind) => {
        const open = writer.messages.length + writer.steps.length + writer.calls.size;
        if (open > 0) expect(accepts([...writer.events, { kind, payload: {} }])).toBe(false);
      }),
    );
  });

  it("refuses what is said of something before its start or without it", () => {
    const starts = { "message.started": "m", "step.started": "s", "tool.requested": "c", "interrupt.raised": "interrupt" } as const;
    assert(
      property(legalRun, nat(), (events, pick) => {
        const started = events.filter(({ kind }) => kind in starts);
        const start = started[pick % Math.max(1, started.length)];
        if (!start) return;
        const name = starts[start.kind as keyof typeof starts];
        const followed = events.some((event) => event.kind !== start.kind && mentions(event, name, numberOf(start, name)));
        const without = events.filter((event) => event !== start);
        if (followed) expect(accepts(without)).toBe(false);
      }),
    );
  });

  it("refuses to finish anything twice, or to start it twice", () => {
    assert(
      property(legalRun, nat(), (events, pick) => {
        const once = events.flatMap((event, index) =>
          /^(message|step|tool)\.finished$|started$|requested$|^interrupt\./.test(event.kind) ? [index] : [],
        );
        const index = once[pick % once.length] as number;
        const event = events[index] as NewEvent;
        expect(accepts([...events.slice(0, index + 1), event, ...events.slice(index + 1)])).toBe(false);
      }),
    );
  });

  it("refuses a run that does not begin by being queued and then started", () => {
    assert(property(legalRun, integer({ min: 1, max: 2 }), (events, drop) => !accepts(events.slice(drop))));
  });
});

function mentions({ kind, payload }: NewEvent, name: string, value: unknown): boolean {
  if (kind === "message.delta") return name === "m" && (payload as readonly unknown[])[0] === value;
  return (payload as Record<string, unknown>)[name] === value;
}

describe("an event that the protocol forbids", () => {
  const begun: NewEvent[] = [
    { kind: "run.queued", payload: {} },
    { kind: "run.started", payload: {} },
    { kind: "message.started", payload: { m: 1, role: "ASSISTANT", attempt: 1 } },
    { kind: "message.delta", payload: [1, 0, "a"] },
    { kind: "tool.requested", payload: { c: 1, name: "t", m: 1, part: 1 } },
  ];
  const started: NewEvent[] = [...begun, { kind: "tool.started", payload: { c: 1, attempt: 1 } }];
  const usage = { provider: "p", model: "m", inputTokens: 1, outputTokens: 1 };

  it.each<[string, NewEvent[], NewEvent]>([
    ["text in a part that holds a tool call", begun, { kind: "message.delta", payload: [1, 1, "b"] }],
    ["reasoning in a part that holds text", begun, { kind: "message.delta", payload: [1, 0, "b", 1] }],
    ["a delta that is no text", begun, { kind: "message.delta", payload: [1, 0, 7] }],
    ["a part with a negative number", begun, { kind: "message.delta", payload: [1, -1, "b"] }],
    ["a second tool call in one part", begun, { kind: "tool.requested", payload: { c: 2, name: "t", m: 1, part: 1 } }],
    ["a tool call in a message that is not open", begun, { kind: "tool.requested", payload: { c: 2, name: "t", m: 2, part: 0 } }],
    ["progress of a call that was not started", begun, { kind: "tool.progress", payload: { c: 1 } }],
    ["the same attempt twice", started, { kind: "tool.started", payload: { c: 1, attempt: 1 } }],
    ["a call that ends as running", started, { kind: "tool.finished", payload: { c: 1, status: "RUNNING" } }],
    ["a message that ends as streaming", begun, { kind: "message.finished", payload: { m: 1, status: "STREAMING", text: "a" } }],
    ["a message that ends without its text", begun, { kind: "message.finished", payload: { m: 1, status: "COMPLETE" } }],
    [
      "a complete message that is superseded",
      begun,
      { kind: "message.finished", payload: { m: 1, status: "COMPLETE", text: "a", supersededBy: "r.2" } },
    ],
    [
      "a message superseded by itself",
      begun,
      { kind: "message.finished", payload: { m: 1, status: "FAILED", text: "a", supersededBy: "r.1" } },
    ],
    ["a message whose number was used", begun, { kind: "message.started", payload: { m: 1, role: "ASSISTANT", attempt: 1 } }],
    [
      "a step under one that is not open",
      begun,
      { kind: "step.started", payload: { s: 1, key: "k", name: "n", stepKind: "MODEL", attempt: 1, parent: 4 } },
    ],
    ["a step of no known kind", begun, { kind: "step.started", payload: { s: 1, key: "k", name: "n", stepKind: "MAGIC", attempt: 1 } }],
    ["usage of a step that never was", begun, { kind: "usage.recorded", payload: { ...usage, s: 9 } }],
    ["a fraction of a token", begun, { kind: "usage.recorded", payload: { ...usage, inputTokens: 0.5 } }],
    ["progress that is no number", begun, { kind: "progress", payload: { done: Number.NaN } }],
    ["a kind of the core that does not exist", begun, { kind: "run.frozen", payload: {} }],
    ["a kind that is a property of every object", begun, { kind: "run.constructor", payload: {} }],
    ["an answer to a question that nobody asked", begun, { kind: "interrupt.resolved", payload: { interrupt: "x", status: "RESOLVED" } }],
    ["a success of a run that was never started", begun.slice(0, 1), { kind: "run.finished", payload: {} }],
    ["a plugin's event before the run was started", begun.slice(0, 1), { kind: "notes.kept", payload: {} }],
    ["a message while the run waits", [...begun.slice(0, 2), { kind: "run.waiting", payload: {} }], begun[2] as NewEvent],
    ["a message while the run is paused", [...begun.slice(0, 2), { kind: "run.paused", payload: {} }], begun[2] as NewEvent],
    ["a second pause", [...begun.slice(0, 2), { kind: "run.paused", payload: {} }], { kind: "run.paused", payload: {} }],
    ["a second start", [...begun.slice(0, 2), { kind: "run.waiting", payload: {} }], { kind: "run.started", payload: {} }],
    [
      "a resumption of a run that was never started",
      [...begun.slice(0, 1), { kind: "run.paused", payload: {} }],
      { kind: "run.resumed", payload: {} },
    ],
    ["a signal without a name", begun, { kind: "signal.received", payload: {} }],
    ["a second wish to cancel", [...begun, { kind: "run.cancelling", payload: {} }], { kind: "run.cancelling", payload: {} }],
  ])("is refused: %s", (_, before, event) => {
    const grammar = createGrammar("openai");
    for (const each of before) grammar.check(each);
    const open = grammar.open();
    expect(() => grammar.check(event)).toThrow(
      expect.objectContaining({ code: "PROTOCOL_VIOLATION", details: expect.objectContaining({ plugin: "openai" }) }),
    );
    expect(grammar.open()).toEqual(open);
  });

  it("is never refused when it stands in the log", () => {
    const grammar = createGrammar();
    grammar.replay([
      ...begun,
      { kind: "run.cancelling", payload: {} },
      { kind: "run.waiting", payload: {} },
      { kind: "message.finished", payload: { m: 8 } },
    ]);
    expect(grammar.open()).toEqual({ messages: [1], steps: [], calls: [1], interrupts: [] });
  });

  it("stays a cancel: what the worker had under way when it came takes nothing back, and the run may still undo what it did", () => {
    for (const kind of ["run.waiting", "run.paused", "run.resumed"] as const) {
      const grammar = createGrammar();
      grammar.replay([
        { kind: "run.queued", payload: {} },
        { kind: "run.started", payload: {} },
        { kind: "run.cancelling", payload: {} },
        { kind, payload: {} },
      ]);
      grammar.check({ kind: "step.started", payload: { s: 1, key: "undo", name: "undo", stepKind: "NODE", attempt: 1 } });
      grammar.check({ kind: "step.finished", payload: { s: 1, status: "SUCCEEDED" } });
      grammar.check({ kind: "run.cancelled", payload: { usage: { inputTokens: 0, outputTokens: 0, modelCalls: 0, estimated: false } } });
    }
  });
});
