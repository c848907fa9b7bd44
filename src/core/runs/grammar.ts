import { WeftlineError } from "../errors.ts";
import type { EventKind, EventPayloads, NewEvent } from "./events.ts";
import { StepKind } from "./types.ts";

/** The state machine of one run's events, by docs/run-protocol.md. */
export interface Grammar {
  /**
   * Takes the next event.
   *
   * @throws PROTOCOL_VIOLATION where the protocol forbids it; the state stays as it was.
   */
  check(event: NewEvent): void;
  /** Takes what stands in the log, deltas or not: what is durable is true and never refused. */
  replay(past: Iterable<NewEvent>): void;
  /** What was started and has not ended, in the order of starting. */
  open(): OpenParts;
}

/** What stands open in a run: numbers of messages, steps and tool calls, ids of interrupts. */
export interface OpenParts {
  readonly messages: readonly number[];
  readonly steps: readonly number[];
  readonly calls: readonly number[];
  /** Decisions come past the run's own queue, so this is true of a replayed log only. */
  readonly interrupts: readonly string[];
}

type Phase = "NEW" | "QUEUED" | "RUNNING" | "WAITING" | "PAUSED" | "CANCELLING" | "ENDED";

interface State {
  phase: Phase;
  /** Whether it was ever started. */
  begun: boolean;
  /** Each open message with what its parts hold. */
  readonly messages: Map<number, Map<number, PartType>>;
  readonly steps: Set<number>;
  /** Each open call with the attempt that was started last. */
  readonly calls: Map<number, number>;
  readonly interrupts: Set<string>;
  /** The highest number given so far: numbers only rise, since ids are made of them. */
  readonly last: { m: number; s: number; c: number };
}

type PartType = "text" | "reasoning" | "toolCall";

interface Rule<Kind extends EventKind> {
  /** Where the event may come; a body event may come while the run is at work, also after a cancel was asked for. */
  readonly in: readonly Phase[];
  /** What else is wrong with it, in words. */
  readonly problem?: (state: State, payload: EventPayloads[Kind]) => string | undefined;
  readonly apply: (state: State, payload: EventPayloads[Kind]) => void;
}

const atWork: readonly Phase[] = ["RUNNING", "CANCELLING"];
/** Also where the run does not work: what was left open is closed there, and people decide. */
const alive: readonly Phase[] = ["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING"];

const stay = (): void => {};
/** What a worker had under way when a cancel came stands after it, as a wait does, and takes nothing back. */
const moveTo =
  (phase: Phase) =>
  (state: State): void => {
    if (state.phase !== "CANCELLING" || phase === "ENDED") state.phase = phase;
  };
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === "string";

function oneOf(values: readonly string[], status: string, what: string): string | undefined {
  return values.includes(status) ? undefined : `${what} cannot end as ${status}`;
}

function fresh(number: number, last: number, what: string): string | undefined {
  if (!isCount(number) || number === 0) return `${what} ${number} is not a number from 1 up`;
  return number > last ? undefined : `${what} ${number} was started before`;
}

function partProblem(state: State, m: number, part: number, type: PartType): string | undefined {
  const parts = state.messages.get(m);
  if (!parts) return `message ${m} is not open`;
  if (!isCount(part)) return `part ${part} of message ${m} is not a number from 0 up`;
  const known = parts.get(part);
  if (known === undefined || (known === type && type !== "toolCall")) return undefined;
  return `part ${part} of message ${m} holds ${known}, not ${type}`;
}

function leftOpen(state: State): string | undefined {
  const { messages, steps, calls } = state;
  if (messages.size > 0) return `message ${[...messages.keys()].join(", ")} is still open`;
  if (calls.size > 0) return `tool call ${[...calls.keys()].join(", ")} is still open`;
  if (steps.size > 0) return `step ${[...steps].join(", ")} is still open`;
  return undefined;
}

const callIsOpen = (state: State, { c }: { readonly c: number }): string | undefined =>
  state.calls.has(c) ? undefined : `tool call ${c} is not open`;

/** What a tool did to the memory, told while its call is open. */
const ofMemory = {
  in: atWork,
  problem: (state: State, { c, records }: EventPayloads["memory.saved"]): string | undefined =>
    callIsOpen(state, { c }) ?? (Array.isArray(records) && records.every(isText) ? undefined : "the records are no list of ids"),
  apply: stay,
};

const ends = (phases: readonly Phase[]) => ({ in: phases, problem: leftOpen, apply: moveTo("ENDED") });

const rules: { readonly [Kind in EventKind]: Rule<Kind> } = {
  "run.queued": { in: ["NEW"], apply: moveTo("QUEUED") },
  "run.started": {
    // One that was paused while it was queued waits before it is started.
    in: ["QUEUED", "WAITING", "PAUSED"],
    problem: ({ begun }) => (begun ? "the run was started before" : undefined),
    apply: (state) => {
      state.begun = true;
      moveTo("RUNNING")(state);
    },
  },
  "run.resumed": {
    in: ["WAITING", "RUNNING", "PAUSED"],
    problem: ({ begun }) => (begun ? undefined : "the run was never started"),
    apply: moveTo("RUNNING"),
  },
  "run.waiting": { in: ["RUNNING", "PAUSED"], apply: moveTo("WAITING") },
  "run.paused": { in: ["QUEUED", "RUNNING", "WAITING"], apply: moveTo("PAUSED") },
  "run.cancelling": { in: ["QUEUED", "RUNNING", "WAITING", "PAUSED"], apply: moveTo("CANCELLING") },
  "run.finished": ends(["RUNNING"]),
  "run.failed": ends(alive),
  "run.cancelled": ends(alive),
  "run.expired": ends(alive),

  "step.started": {
    in: atWork,
    problem: ({ last, steps }, { s, key, name, stepKind, parent }) => {
      if (parent !== undefined && !steps.has(parent)) return `the parent step ${parent} is not open`;
      if (!Object.hasOwn(StepKind, stepKind)) return `there is no kind of step ${stepKind}`;
      return isText(key) && isText(name) ? fresh(s, last.s, "step") : `step ${s} has no name`;
    },
    apply: ({ steps, last }, { s }) => {
      steps.add(s);
      last.s = Math.max(last.s, s);
    },
  },
  "step.finished": {
    in: alive,
    problem: ({ steps }, { s, status }) =>
      steps.has(s) ? oneOf(["SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"], status, "a step") : `step ${s} is not open`,
    apply: ({ steps }, { s }) => void steps.delete(s),
  },

  "message.started": {
    in: atWork,
    problem: ({ last }, { m }) => fresh(m, last.m, "message"),
    apply: ({ messages, last }, { m }) => {
      messages.set(m, new Map());
      last.m = Math.max(last.m, m);
    },
  },
  "message.delta": {
    in: atWork,
    problem: (state, [m, part, text, reasoning]) =>
      isText(text) ? partProblem(state, m, part, reasoning ? "reasoning" : "text") : `a delta of message ${m} is not text`,
    apply: ({ messages }, [m, part, , reasoning]) => void messages.get(m)?.set(part, reasoning ? "reasoning" : "text"),
  },
  "message.finished": {
    in: alive,
    problem: ({ messages }, { m, status, supersededBy, text }) => {
      if (!messages.has(m)) return `message ${m} is not open`;
      if (!isText(text)) return `message ${m} ends without its text`;
      if (supersededBy === undefined) return oneOf(["COMPLETE", "FAILED", "CANCELLED"], status, "a message");
      if (status === "COMPLETE") return `message ${m} is complete and cannot be superseded`;
      return Number(supersededBy.slice(supersededBy.lastIndexOf(".") + 1)) > m ? undefined : `message ${m} is superseded by an earlier one`;
    },
    apply: ({ messages }, { m }) => void messages.delete(m),
  },

  "tool.requested": {
    in: atWork,
    problem: (state, { c, name, m, part }) => {
      if (!isText(name)) return `tool call ${c} has no name`;
      if ((m === undefined) !== (part === undefined)) return `tool call ${c} names a message or a part, not both`;
      const wrongPart = m === undefined || part === undefined ? undefined : partProblem(state, m, part, "toolCall");
      return wrongPart ?? fresh(c, state.last.c, "tool call");
    },
    apply: ({ calls, messages, last }, { c, m, part }) => {
      calls.set(c, 0);
      last.c = Math.max(last.c, c);
      if (m !== undefined && part !== undefined) messages.get(m)?.set(part, "toolCall");
    },
  },
  "tool.arguments": { in: atWork, problem: callIsOpen, apply: stay },
  "tool.started": {
    in: atWork,
    problem: (state, { c, attempt }) => callIsOpen(state, { c }) ?? fresh(attempt, state.calls.get(c) ?? 0, `tool call ${c}: attempt`),
    apply: ({ calls }, { c, attempt }) => void calls.set(c, attempt),
  },
  "tool.progress": {
    in: atWork,
    problem: (state, { c }) => callIsOpen(state, { c }) ?? (state.calls.get(c) === 0 ? `tool call ${c} was not started` : undefined),
    apply: stay,
  },
  "tool.finished": {
    in: alive,
    problem: (state, { c, status }) =>
      callIsOpen(state, { c }) ?? oneOf(["SUCCESS", "ERROR", "DENIED", "CANCELLED"], status, "a tool call"),
    apply: ({ calls }, { c }) => void calls.delete(c),
  },

  "interrupt.raised": {
    in: atWork,
    problem: ({ interrupts }, { interrupt, status }) => {
      if (status !== "PENDING") return `an interrupt cannot begin as ${status}`;
      return interrupts.has(interrupt) ? `interrupt ${interrupt} was raised before` : undefined;
    },
    apply: ({ interrupts }, { interrupt }) => void interrupts.add(interrupt),
  },
  "interrupt.resolved": {
    in: alive,
    problem: ({ interrupts }, { interrupt, status }) =>
      interrupts.has(interrupt)
        ? oneOf(["RESOLVED", "EXPIRED", "CANCELLED"], status, "an interrupt")
        : `interrupt ${interrupt} is not pending`,
    apply: ({ interrupts }, { interrupt }) => void interrupts.delete(interrupt),
  },

  "signal.received": { in: alive, problem: (_, { name }) => (isText(name) ? undefined : "a signal has no name"), apply: stay },

  "memory.recalled": {
    in: atWork,
    problem: ({ steps }, { s, records }) => {
      if (!steps.has(s)) return `memory was recalled outside of step ${s}`;
      return Array.isArray(records) ? undefined : "what was recalled is no list";
    },
    apply: stay,
  },
  "memory.saved": ofMemory,
  "memory.updated": ofMemory,
  "memory.forgotten": ofMemory,
  "state.patched": { in: atWork, problem: (_, { patch }) => (patch === undefined ? "a patch is missing" : undefined), apply: stay },
  "usage.recorded": {
    in: atWork,
    problem: ({ last }, { s, provider, model, inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0 }) => {
      if (s !== undefined && !(isCount(s) && s > 0 && s <= last.s)) return `usage names step ${s}, which was never started`;
      if (!isText(provider) || !isText(model)) return "usage names no provider or no model";
      return [inputTokens, outputTokens, cachedInputTokens, reasoningTokens].every(isCount)
        ? undefined
        : "tokens are whole numbers from 0 up";
    },
    apply: stay,
  },
  progress: {
    in: atWork,
    problem: (_, { done, total = 0 }) => (isCount(done) && isCount(total) ? undefined : "progress counts in whole numbers from 0 up"),
    apply: stay,
  },
  custom: { in: atWork, problem: (_, { name }) => (isText(name) ? undefined : "a custom event has no name"), apply: stay },
};

/** All kinds of events of a run that the protocol knows. */
export const eventKinds: readonly string[] = Object.keys(rules);

/** Kinds of plugins, as `notes.kept`, may come while the run is at work; what begins like a kind of the core must be one. */
const coreKind = /^(run|step|message|tool|interrupt|signal|memory|state|usage)\./;

function ruleOf(kind: string): Rule<EventKind> | undefined {
  if (Object.hasOwn(rules, kind)) return rules[kind as EventKind] as unknown as Rule<EventKind>;
  return coreKind.test(kind) ? undefined : { in: atWork, apply: stay };
}

/**
 * Makes the state machine of one run.
 *
 * @param plugin whom a violation is laid to: the framework's id.
 * @example
 * const grammar = createGrammar("openai");
 * grammar.replay(past);
 * grammar.check(event("message.started", { m: 1, role: "ASSISTANT", attempt: 1 }));
 */
export function createGrammar(plugin = "runs"): Grammar {
  const state: State = {
    phase: "NEW",
    begun: false,
    messages: new Map(),
    steps: new Set(),
    calls: new Map(),
    interrupts: new Set(),
    last: { m: 0, s: 0, c: 0 },
  };
  return {
    check({ kind, payload }) {
      const rule = ruleOf(kind);
      const problem = rule
        ? (misplaced(state.phase, kind, rule) ?? rule.problem?.(state, payload as never))
        : `there is no event kind ${kind}`;
      if (problem !== undefined) throw new WeftlineError("PROTOCOL_VIOLATION", { plugin, problem });
      rule?.apply(state, payload as never);
    },
    replay(past) {
      for (const { kind, payload } of past) {
        ruleOf(kind)?.apply(state, payload as never);
        // The row of the start may be the one that cannot be read.
        if (!beforeTheStart.has(kind)) state.begun = true;
      }
    },
    open: () => ({
      messages: [...state.messages.keys()],
      steps: [...state.steps],
      calls: [...state.calls.keys()],
      interrupts: [...state.interrupts],
    }),
  };
}

/** What may stand in the log of a run that was never started. */
const beforeTheStart: ReadonlySet<string> = new Set(["run.queued", "run.paused", "run.waiting", "run.cancelling", "signal.received"]);

const standing: Readonly<Record<Phase, string>> = {
  NEW: "before the run was queued",
  QUEUED: "before the run was started",
  RUNNING: "while the run is at work",
  WAITING: "while the run waits",
  PAUSED: "while the run is paused",
  CANCELLING: "after a cancel was asked for",
  ENDED: "after the run's last event",
};

function misplaced(phase: Phase, kind: string, rule: Rule<EventKind>): string | undefined {
  return rule.in.includes(phase) ? undefined : `${kind} comes ${standing[phase]}`;
}
