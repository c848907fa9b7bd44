import { v7 as newId } from "uuid";
import { WeftlineError } from "../errors.ts";
import type { Interrupt } from "./entities/message.ts";
import type { Question, QuestionOutcome } from "./runtime.ts";
import type { RunSession } from "./session.ts";
import type { ToolRegistry } from "./tools.ts";

/** What the questions of one turn need. */
export interface QuestionsOptions {
  readonly session: RunSession;
  readonly registry: ToolRegistry | undefined;
  /** Who asks, for errors. */
  readonly plugin: string;
  /** What earlier turns of the run left. */
  readonly interrupts: readonly Interrupt[];
}

/** What an adapter asks people: each key once a run, answered on the turn after the decision. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #asked = new Map<string, Interrupt>();
  /** Raised by this turn: their decisions are for the next. */
  readonly #raised = new Set<string>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
    for (const interrupt of options.interrupts) if (interrupt.key != null) this.#asked.set(interrupt.key, interrupt);
  }

  /** @throws RUN_SUSPENDED while it is pending, PROTOCOL_VIOLATION for a question that nobody could answer. */
  async ask(question: Question): Promise<QuestionOutcome> {
    const asked = this.#asked.get(question.key);
    if (!asked && !this.#raised.has(question.key)) this.#raise(question);
    if (!asked || asked.status === "PENDING") throw new WeftlineError("RUN_SUSPENDED");
    if (asked.status === "EXPIRED") return { status: "EXPIRED" };
    return asked.status === "RESOLVED" && asked.decision ? { status: "RESOLVED", decision: asked.decision } : { status: "CANCELLED" };
  }

  #raise({ key, ...row }: Question): void {
    const { registry, plugin, session } = this.#options;
    const problem = row.allowed.length === 0 ? "it allows no decision" : row.responseSchema && registry?.schemaProblem(row.responseSchema);
    if (problem !== undefined)
      throw new WeftlineError("PROTOCOL_VIOLATION", { plugin, problem: `the question "${key}" is wrong: ${problem}` });
    session.append("interrupt.raised", { interrupt: newId(), status: "PENDING" }, { row: { ...row, key }, urgency: "now" });
    this.#raised.add(key);
  }
}
