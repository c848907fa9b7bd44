import { v7 as newId } from "uuid";
import { WeftlineError } from "../errors.ts";
import { hashOf } from "../host/idempotency.ts";
import { approverProblems, principalsOfApprovers } from "./approvers/approvers.ts";
import type { Interrupt } from "./entities/message.ts";
import type { Question, QuestionOutcome } from "./runtime.ts";
import type { RunSession } from "./session.ts";
import type { ToolRegistry } from "./tools.ts";
import { DecisionKind } from "./types.ts";

const yearMs = 365 * 24 * 60 * 60 * 1000;
const askedKinds: readonly unknown[] = ["INPUT", "REVIEW"];
const decisionKinds: readonly unknown[] = Object.values(DecisionKind);

/** What the questions of one turn need. */
export interface QuestionsOptions {
  readonly session: RunSession;
  readonly registry: ToolRegistry | undefined;
  /** Who asks, for errors. */
  readonly plugin: string;
  /** What earlier turns of the run left. */
  readonly interrupts: readonly Interrupt[];
}

/** What an admin is asked where a budget is used up. */
export interface BudgetQuestion {
  readonly budget: string;
  readonly message: string;
  /** Then the budget has more of itself. */
  readonly expiresInMs?: number;
  readonly tried: readonly string[];
}

/** What an adapter asks people: each key once a run, answered on the turn after the decision. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #asked = new Map<string, Interrupt>();
  /** Raised by this turn: their decisions are for the next. */
  readonly #raised = new Set<string>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.reload(options.interrupts);
  }

  /** Takes note of what people decided since. */
  reload(interrupts: readonly Interrupt[]): void {
    for (const interrupt of interrupts) if (interrupt.key != null) this.#asked.set(interrupt.key, interrupt);
  }

  /** @throws RUN_SUSPENDED while it is pending, PROTOCOL_VIOLATION for a question that nobody could answer. */
  async ask(question: Question): Promise<QuestionOutcome> {
    const asked = this.#asked.get(question.key);
    if (asked && asked.argumentsHash !== hashOfAsked(question))
      throw this.#violation(question.key, "a person was asked about something else under this key");
    if (!asked && !this.#raised.has(question.key)) await this.#raise(question);
    if (!asked || asked.status === "PENDING") throw new WeftlineError("RUN_SUSPENDED");
    return outcomeOf(asked);
  }

  /**
   * Asks what became of work that ended without an outcome: whether to do it again (APPROVE), what it came to (ANSWER), or to go on without (REJECT).
   *
   * @throws RUN_SUSPENDED while it is pending.
   */
  async askWhatBecame({ key, message, step }: Pick<Question, "key" | "message" | "step">): Promise<QuestionOutcome> {
    const asked = this.#asked.get(key);
    if (!asked && !this.#raised.has(key)) {
      this.#raised.add(key);
      const row = { key, kind: "UNCERTAIN", message, allowed: ["APPROVE", "ANSWER", "REJECT"], step: this.#stepId(step) };
      this.#options.session.append("interrupt.raised", { interrupt: newId(), status: "PENDING" }, { row, urgency: "now" });
    }
    if (!asked || asked.status === "PENDING") throw new WeftlineError("RUN_SUSPENDED", { waitsFor: "uncertain" });
    return outcomeOf(asked);
  }

  /**
   * Asks an admin for leave to spend more than a budget has.
   *
   * @param question `tried`: leaves that were given and did not do.
   * @returns the leaves that were given, by their ids.
   * @throws RUN_SUSPENDED while it is pending; BUDGET_EXCEEDED where it was rejected.
   */
  askForBudget({ budget, message, expiresInMs, tried }: BudgetQuestion): readonly string[] {
    const prefix = `budget/${budget}/`;
    const asked = [...this.#asked.values()].filter(({ kind, key }) => kind === "BUDGET" && key?.startsWith(prefix));
    const key = `${prefix}${asked.length}`;
    const pending = asked.some(({ status }) => status === "PENDING") || this.#raised.has(key);
    const decided = asked.filter(({ status }) => status === "RESOLVED");
    if (!pending && decided.some(({ decision }) => decision?.kind === "REJECT"))
      throw new WeftlineError("BUDGET_EXCEEDED", { budget, problem: "more was asked for, and rejected." });
    const given = decided.map(({ id }) => id);
    if (!pending && given.some((id) => !tried.includes(id))) return given;
    if (!pending) {
      this.#raised.add(key);
      const approvers = principalsOfApprovers({ roles: ["admin"] });
      const expires = expiresInMs && Math.ceil(expiresInMs);
      const row = { key, kind: "BUDGET", message, allowed: ["APPROVE", "REJECT"], expiresInMs: expires, approvers };
      this.#options.session.append("interrupt.raised", { interrupt: newId(), status: "PENDING" }, { row, urgency: "now" });
    }
    throw new WeftlineError("RUN_SUSPENDED", { waitsFor: "budget" });
  }

  /** Only what a question may say: it can have come from a graph or a server that nobody here wrote, and must not pass for an approval of a tool. */
  async #raise(question: Question): Promise<void> {
    const { session, registry } = this.#options;
    const { responseSchema: schema } = question;
    this.#raised.add(question.key);
    const problem =
      problemOf(question) ??
      (schema === undefined ? undefined : await registry?.schemaProblem(schema, `${session.run.tenantId}:${session.run.ownerId}`));
    if (problem !== undefined) throw this.#violation(question.key, problem);
    const { key, kind, message, arguments: about, responseSchema, allowed, expiresInMs } = question;
    const expires = expiresInMs && Math.ceil(expiresInMs);
    const approvers = principalsOfApprovers(question.approvers);
    const step = this.#stepId(question.step);
    const row = { key, kind, message, arguments: about, responseSchema, allowed, expiresInMs: expires, approvers, step };
    session.append("interrupt.raised", { interrupt: newId(), status: "PENDING" }, { row, urgency: "now" });
  }

  #stepId(step: string | undefined): string | undefined {
    return step === undefined ? undefined : this.#options.session.stepId(step);
  }

  #violation(key: string, problem: string): WeftlineError {
    return new WeftlineError("PROTOCOL_VIOLATION", { plugin: this.#options.plugin, problem: `the question "${key}" is wrong: ${problem}` });
  }
}

function outcomeOf({ status, decision }: Interrupt): QuestionOutcome {
  if (status === "EXPIRED") return { status };
  return status === "RESOLVED" && decision ? { status, decision } : { status: "CANCELLED" };
}

function problemOf({ key, kind, message, allowed, expiresInMs, approvers }: Question): string | undefined {
  if (typeof key !== "string") return "its key is no text";
  if (!askedKinds.includes(kind)) return "its kind is neither INPUT nor REVIEW";
  if (typeof message !== "string") return "its message is no text";
  if (!Array.isArray(allowed) || allowed.length === 0) return "it allows no decision";
  if (!allowed.every((each) => decisionKinds.includes(each))) return "it allows a decision that there is not";
  if (expiresInMs !== undefined && !(typeof expiresInMs === "number" && expiresInMs > 0 && expiresInMs <= yearMs))
    return "its expiresInMs is not a number above 0 and up to a year";
  const [wrong] = approvers === undefined ? [] : approverProblems(approvers);
  if (wrong) return `its ${["approvers", ...wrong.path].join(".")}: ${wrong.message}`;
  return undefined;
}

function hashOfAsked({ arguments: about }: Question): string | null {
  return about === undefined ? null : hashOf(about);
}
