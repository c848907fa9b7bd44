import { v7 as newId } from "uuid";
import { WeftlineError } from "../errors.ts";
import { hashOf } from "../host/idempotency.ts";
import { principalsOfApprovers } from "./approvers/approvers.ts";
import type { Interrupt } from "./entities/message.ts";
import type { RunSession } from "./session.ts";
import type { PolicedCall, ToolDefinition, ToolOutcome, ToolRegistry } from "./tools.ts";
import type { DecisionKind, InterruptKind } from "./types.ts";

/** How long a person has to decide where the tool does not say: a day. */
const defaultApprovalMs = 24 * 60 * 60 * 1000;

/** Arguments to go on with, and whether a person put them in place of the model's; or what came of the call instead. */
export type Approved = { readonly go: unknown; readonly edited?: true } | { readonly outcome: ToolOutcome };

/** A call that somebody may have to allow. */
export interface ApprovableCall {
  readonly c: number;
  readonly attempt: number;
  readonly interrupts: readonly Interrupt[];
}

/** What approvals of one turn need. */
export interface ApprovalOptions {
  readonly session: RunSession;
  readonly registry: ToolRegistry | undefined;
  /** Who calls, for policies. */
  readonly caller: Pick<PolicedCall, "agent" | "run">;
}

/** Whether calls may be made: by policies, and by people where those ask. */
export class ToolApproval {
  readonly #options: ApprovalOptions;

  constructor(options: ApprovalOptions) {
    this.#options = options;
  }

  /**
   * What was asked once is decided by its decision, whatever the policies have become since.
   *
   * @param step that waits for the answer.
   * @throws RUN_SUSPENDED while a person has to decide.
   */
  async of(call: ApprovableCall, tool: ToolDefinition, args: unknown, step?: string): Promise<Approved> {
    const asked = call.interrupts.find(({ kind }) => kind === "TOOL_APPROVAL");
    if (asked) return decided(asked, tool, args);
    const { registry, caller } = this.#options;
    const verdict = registry ? await registry.judge(tool, { args, ...caller }) : { ask: true as const };
    if (!verdict.ask) return { go: args };
    throw this.#ask(call, tool, args, {
      kind: "TOOL_APPROVAL",
      message: verdict.because === undefined ? `Allow "${tool.name}"?` : `Allow "${tool.name}"? ${verdict.because}`,
      allowed: ["APPROVE", "EDIT", "REJECT"],
      expiresInMs: tool.approvalTimeoutMs ?? defaultApprovalMs,
      step,
    });
  }

  /**
   * A call that a lost process had started: again only if that does no harm, else a person says what happened.
   *
   * @param step that waits for the answer.
   * @throws RUN_SUSPENDED while a person has to say.
   */
  afterLoss(call: ApprovableCall, tool: ToolDefinition, args: unknown, step?: string): Approved {
    // One that is a run has changed nothing before that was started.
    if (tool.idempotent || tool.startsRun) return { go: args };
    const uncertain = call.interrupts.filter(({ kind }) => kind === "UNCERTAIN")[call.attempt - 1];
    if (uncertain) return decided(uncertain, tool, args);
    throw this.uncertain(call, tool, args, { what: `The server was lost while "${tool.name}" ran`, step });
  }

  /**
   * Asks a person what became of a call.
   *
   * @param about what happened, and the step that waits for the answer: it has no time limit from then on.
   * @returns RUN_SUSPENDED, to be thrown.
   */
  uncertain(
    call: ApprovableCall,
    tool: ToolDefinition,
    args: unknown,
    { what, step }: { readonly what: string; readonly step: string | undefined },
  ): WeftlineError {
    return this.#ask(call, tool, args, {
      kind: "UNCERTAIN",
      message: `${what}, so nobody knows whether it took effect. Approve to run it again, answer with its result, or reject to go on without one.`,
      allowed: ["APPROVE", "ANSWER", "REJECT"],
      step,
    });
  }

  #ask(
    call: ApprovableCall,
    tool: ToolDefinition,
    args: unknown,
    ask: {
      readonly kind: InterruptKind;
      readonly message: string;
      readonly allowed: readonly DecisionKind[];
      readonly expiresInMs?: number;
      readonly step?: string | undefined;
    },
  ): WeftlineError {
    const { session, registry, caller } = this.#options;
    const approvers = principalsOfApprovers(registry?.approvers(tool, caller.agent));
    session.append("tool.arguments", { c: call.c, arguments: args });
    session.append(
      "interrupt.raised",
      { interrupt: newId(), status: "PENDING" },
      { row: { ...ask, c: call.c, toolName: tool.name, arguments: args, approvers }, urgency: "now" },
    );
    return suspendedBy(ask.kind);
  }
}

/** Whoever waits for a decision sees what it is about. */
function suspendedBy(kind: InterruptKind): WeftlineError {
  return new WeftlineError("RUN_SUSPENDED", kind === "UNCERTAIN" ? { waitsFor: "uncertain" } : {});
}

function decided(interrupt: Interrupt, tool: ToolDefinition, args: unknown): Approved {
  if (interrupt.status === "PENDING") throw suspendedBy(interrupt.kind);
  if (interrupt.toolName !== tool.name) return { outcome: { status: "DENIED", error: "The approval was for another tool." } };
  if (interrupt.status === "EXPIRED") return { outcome: { status: "DENIED", error: "Nobody approved the call in time." } };
  const { decision } = interrupt;
  if (interrupt.status === "CANCELLED" || !decision) return { outcome: { status: "CANCELLED", error: "The call was cancelled." } };
  if (decision.kind === "REJECT") return { outcome: { status: "DENIED", error: decision.reason ?? "A person rejected the call." } };
  if (decision.kind === "EDIT") return { go: decision.payload, edited: true };
  if (decision.kind === "ANSWER") return { outcome: { status: "SUCCESS", result: decision.payload } };
  if (interrupt.argumentsHash !== hashOf(args)) return { outcome: { status: "DENIED", error: "The approval was for other arguments." } };
  return { go: args };
}
