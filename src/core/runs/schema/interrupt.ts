import { hasRole } from "../../database/viewer.ts";
import { WeftlineError } from "../../errors.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { connectionType, pageArgs } from "../../graphql/connections.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Actor, actorOf } from "../../host/actors.ts";
import { ListScope } from "../../host/types.ts";
import type { MaybePromise } from "../../kernel/spec.ts";
import { isApprover } from "../approvers/granted.ts";
import { Interrupt, type StoredDecision } from "../entities/message.ts";
import { Run, Step } from "../entities/run.ts";
import { DecisionKind, InterruptKind, InterruptStatus } from "../types.ts";
import { listInterrupts } from "./interrupt-list.ts";
import { loadInterrupts, loadOne, loadRuns, loadSteps, seesContent } from "./access.ts";

/** Whoever is no admin sees an interrupt only as its owner or by its policy, and so with what it asks about. */
async function seesQuestion(scope: Scope, interrupt: Interrupt): Promise<boolean> {
  // First what is logged: an answer does not wait for it.
  return seesContent(scope, interrupt) || mayDecide(scope, interrupt);
}

/** What of a question its owner, whom its policy names and auditors see. */
function ifAsked<T>(resolve: (interrupt: Interrupt) => T) {
  return async (interrupt: Interrupt, _: unknown, scope: Scope): Promise<T | null> =>
    (await seesQuestion(scope, interrupt)) ? resolve(interrupt) : null;
}

/** Whether the viewer owns the interrupt or its policy names it, by the roles of now. */
function mayDecide(scope: Scope, { id, tenantId, ownerId }: Interrupt): MaybePromise<boolean> {
  const { viewer } = scope;
  if (tenantId !== viewer.tenantId) return false;
  if (ownerId === viewer.actorId || !hasRole(viewer, "admin")) return true;
  return isApprover(scope, id);
}

async function canDecide(scope: Scope, interrupt: Interrupt): Promise<boolean> {
  if (interrupt.status !== "PENDING" || (interrupt.kind === "BUDGET" && !hasRole(scope.viewer, "admin"))) return false;
  return mayDecide(scope, interrupt);
}

async function runOf(scope: Scope, interrupt: Interrupt): Promise<Run> {
  const run = await loadOne<Run>(scope, loadRuns, interrupt.runId);
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run of this interrupt" });
  return run;
}

export function addInterrupt(builder: GraphBuilder): void {
  const Decision = builder.objectRef<StoredDecision>("Decision").implement({
    description: "How an interrupt was decided.",
    fields: (t) => ({
      kind: t.field({ type: DecisionKind, nullable: false, description: "What was decided.", resolve: (decision) => decision.kind }),
      by: t.field({
        type: Actor,
        nullable: false,
        description: "Who decided.",
        resolve: (decision, _, scope) => actorOf(scope, decision.by),
      }),
      at: t.field({ type: "DateTime", nullable: false, description: "When.", resolve: (decision) => decision.at }),
      reason: t.string({ description: "Why, in words.", resolve: (decision) => decision.reason ?? null }),
      payload: t.field({
        type: "JSON",
        description: "The answer, or the arguments to use instead.",
        resolve: (decision) => decision.payload ?? null,
      }),
    }),
  });
  nodeType(builder, Interrupt, {
    name: "Interrupt",
    description:
      "A question or an approval that a run waits for, resolved exactly once: by its owner, or by whom the policy that asks names.",
    ownership: { rule: "GRANTED", admins: "STATUS" },
    load: loadInterrupts,
    fields: (t) => ({
      seq: t.exposeInt("seq", {
        nullable: false,
        description: "The last event folded into it; apply an event only if its seq is greater.",
      }),
      kind: t.field({ type: InterruptKind, nullable: false, description: "What is asked.", resolve: (interrupt) => interrupt.kind }),
      status: t.field({
        type: InterruptStatus,
        nullable: false,
        description: "Where it stands.",
        resolve: (interrupt) => interrupt.status,
      }),
      run: t.field({
        type: Run,
        nullable: false,
        description: "The run that waits for it.",
        resolve: (interrupt, _, scope) => runOf(scope, interrupt),
      }),
      step: t.field({
        type: Step,
        description: "The step that asked and waits for it, as a node; null where none did, or the viewer does not see it.",
        resolve: (interrupt, _, scope) => loadOne<Step>(scope, loadSteps, interrupt.stepId),
      }),
      toolCallId: t.id({ description: "The tool call that it is about; opaque.", resolve: (interrupt) => interrupt.toolCallId ?? null }),
      toolName: t.string({ description: "That call's tool.", resolve: (interrupt) => interrupt.toolName ?? null }),
      arguments: t.field({
        type: "JSON",
        description: "That call's arguments, or what is to be reviewed.",
        resolve: ifAsked((interrupt) => interrupt.arguments ?? null),
      }),
      argumentsHash: t.string({
        description: "Names exactly these arguments: pass it with the decision.",
        resolve: ifAsked((interrupt) => interrupt.argumentsHash ?? null),
      }),
      message: t.string({
        nullable: false,
        description: "The question, for people.",
        resolve: async (interrupt, _, scope) =>
          (await seesQuestion(scope, interrupt)) ? interrupt.message : "Those who may decide it see the question.",
      }),
      responseSchema: t.field({
        type: "JSON",
        description: "JSON Schema of an answer, and of what a review gives instead.",
        resolve: ifAsked((interrupt) => interrupt.responseSchema ?? null),
      }),
      allowed: t.field({
        type: [DecisionKind],
        nullable: false,
        description: "How it can be decided.",
        resolve: (interrupt) => [...interrupt.allowed],
      }),
      canDecide: t.boolean({
        nullable: false,
        description: "Whether the viewer can decide it now.",
        resolve: (interrupt, _, scope) => canDecide(scope, interrupt),
      }),
      createdAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was asked.",
        resolve: (interrupt) => interrupt.createdAt,
      }),
      expiresAt: t.field({
        type: "DateTime",
        description: "When it counts as refused.",
        resolve: (interrupt) => interrupt.expiresAt ?? null,
      }),
      decision: t.field({
        type: Decision,
        description: "How it was decided.",
        resolve: (interrupt, _, scope) => decisionOf(scope, interrupt),
      }),
    }),
  });
  builder.queryField("interrupts", (t) =>
    t.field({
      type: connectionType(builder, "Interrupt", Interrupt),
      description: "What runs ask people, newest first.",
      args: {
        scope: t.arg({
          type: ListScope,
          defaultValue: "MINE",
          description:
            "MINE: of the viewer's runs, and of others whose policy lets the viewer decide. TENANT is for admins, who see what is asked only with the role audit or where a policy names them.",
        }),
        status: t.arg({ type: [InterruptStatus], defaultValue: ["PENDING"], description: "In one of these states; null for all." }),
        kind: t.arg({ type: [InterruptKind], description: "Of one of these kinds." }),
        run: t.arg.id({ description: "Of this run." }),
        thread: t.arg.id({
          description: "Of the runs of this thread, with those below them; of the viewer's own threads with the scope MINE.",
        }),
        decidable: t.arg.boolean({ description: "Only those that the viewer can decide now, or only the others; null for both." }),
        ...pageArgs(t),
      },
      resolve: (_, { scope: whose, first, after, last, before, ...filter }, scope) =>
        listInterrupts(scope, { reach: whose ?? "MINE", ...filter }, { first, after, last, before }) as never,
    }),
  );
}

async function decisionOf(scope: Scope, interrupt: Interrupt): Promise<StoredDecision | null> {
  const { decision } = interrupt;
  if (decision == null || (await seesQuestion(scope, interrupt))) return decision ?? null;
  const { kind, by, at } = decision;
  return { kind, by, at };
}
