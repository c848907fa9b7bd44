import type { ProgramContext } from "#weftline";
import type { Plan } from "../state/plan.ts";
import { nodeOf, takeRecord, type UnitRecord, type UnitStatus } from "../state/units.ts";
import type { Attempt } from "./attempts/attempt.ts";

type EndStatus = Exclude<UnitStatus, "RUNNING">;

/** What the end of a unit brings. */
export interface UnitEnd {
  readonly output?: unknown;
  readonly error?: string;
}

/** Writes down what units come to: in the log, and in the state that decisions are made of. */
export class UnitLog {
  readonly #ctx: ProgramContext;
  readonly #plan: Plan;
  readonly #units: Map<string, UnitRecord>;
  readonly #ended = new Set<string>();
  readonly #asking: string[] = [];

  constructor(ctx: ProgramContext, plan: Plan, units: Map<string, UnitRecord>) {
    this.#ctx = ctx;
    this.#plan = plan;
    this.#units = units;
  }

  /** A map or a loop has begun. */
  open(key: string, attempt: Attempt, items: readonly unknown[] | undefined): UnitRecord {
    const input = items === undefined ? {} : { input: { items } };
    attempt.start({ ...input, keeps: "input" });
    return this.#record(key, attempt, "RUNNING", input);
  }

  /** A unit has ended for good. */
  end(key: string, attempt: Attempt, status: EndStatus, end: UnitEnd): void {
    attempt.start();
    this.#noteAsking(attempt, status);
    this.#say(key, { status, end });
    this.#record(key, attempt, status, end);
  }

  #say(key: string, { status, end }: { readonly status: EndStatus; readonly end: UnitEnd }): void {
    void this.#ctx.say({
      kind: "step.finished",
      step: key,
      status,
      ...end,
      keeps: "output",
      ...(key === nodeOf(key) ? { checkpoint: "here" } : {}),
    });
  }

  /** An attempt has failed, and there will be another. */
  failForNow(key: string, attempt: Attempt, { error, retryInMs }: { readonly error: string; readonly retryInMs: number }): UnitRecord {
    attempt.start();
    this.#noteAsking(attempt, "FAILED");
    void this.#ctx.say({ kind: "step.finished", step: key, status: "FAILED", error, retryInMs });
    return this.#record(key, attempt, "FAILED", { error, hasDue: true });
  }

  /** Steps that ended since this was asked last, without the answer that they may have waited for. */
  takeAsking(): readonly string[] {
    return this.#asking.splice(0);
  }

  #noteAsking({ mayAsk, stepId }: Attempt, status: EndStatus): void {
    if (mayAsk && stepId !== undefined && (status === "CANCELLED" || status === "FAILED")) this.#asking.push(stepId);
  }

  /** Takes over what a step of another run came to. */
  replay(attempt: Attempt, unit: UnitRecord): void {
    const { key, status, output, error } = unit;
    if (status === "RUNNING") return;
    attempt.start({ replayed: "yes" });
    const end = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
    this.#say(key, { status, end });
    this.#record(key, attempt, status, { ...end, replayed: true });
    this.noteEnd(key);
  }

  /** A node needs nothing more. Nodes that only undo others are not counted. */
  noteEnd(node: string): void {
    if (!this.#plan.undoes.has(node)) this.#ended.add(node);
  }

  progress(): { readonly done: number; readonly total: number } {
    return { done: this.#ended.size, total: this.#plan.nodes.size - this.#plan.undoes.size };
  }

  #record(key: string, attempt: Attempt, status: UnitStatus, more: Partial<UnitRecord>): UnitRecord {
    const stepId = attempt.stepId ?? "";
    const num = Number(stepId.slice(stepId.lastIndexOf(".s") + 2));
    const finished = status === "RUNNING" ? {} : { finishedAt: Date.now() };
    const record = { num, stepId, key, attempt: attempt.at.attempt, status, hasDue: false, ...finished, ...more };
    takeRecord(this.#units, record);
    return record;
  }
}
