import type { GraphBuilder } from "../../graphql/builder.ts";
import { globalId } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Provenance } from "../../host/types.ts";
import { Interrupt, Message } from "../entities/message.ts";
import { Run } from "../entities/run.ts";
import { defineEventType } from "../event-types.ts";
import {
  messageIdOf,
  statusOfKind,
  stepIdOf,
  type EventPayloads,
  type LoggedEvent,
  type PayloadRefs,
  type RunFailure,
  type StoredUsage,
} from "../events.ts";
import { DeltaChannel, InterruptStatus, MessageRole, MessageStatus, RunStatus, StepKind, StepStatus } from "../types.ts";
import { loadInterrupts, loadOne, loadRuns } from "./access.ts";
import { loadMessages } from "./message.ts";
import type { RunRefs } from "./run.ts";
import { simulatedPrice } from "../metering/cost.ts";
import { addUsage, noUsage } from "../usage.ts";
import { UsageView, isAllSimulated, pricedUsage } from "./usage.ts";
import { shownValue } from "./values.ts";

/** What the payloads of the `run.*` kinds may hold. */
interface StatusPayload {
  readonly parent?: string;
  readonly provenance?: Provenance;
  readonly failure?: RunFailure;
  readonly usage?: StoredUsage;
  readonly output?: unknown;
  readonly refs?: PayloadRefs;
}

const messageId = (event: LoggedEvent, m: number): string => globalId("Message", messageIdOf(event.runId ?? "", m));
const stepId = (event: LoggedEvent, s: number): string => globalId("Step", stepIdOf(event.runId ?? "", s));

/** The graph's types of the events of runs; each maps the short form that the log keeps. */
export function addRunEvents(builder: GraphBuilder, refs: RunRefs): void {
  addStatusEvent(builder, refs);
  addStepEvents(builder);
  addMessageEvents(builder);
  addOtherEvents(builder, refs);
}

function addStatusEvent(builder: GraphBuilder, { failure }: RunRefs): void {
  defineEventType<StatusPayload>(builder, "RunStatusEvent", {
    kinds: Object.keys(statusOfKind),
    of: "run",
    description: "A run changed its status. The last event of a run is one of these, with a final status.",
    fields: (t) => ({
      runStatus: t.field({
        type: RunStatus,
        nullable: false,
        description: "Its status from here on.",
        resolve: ({ kind }) => statusOfKind[kind] ?? "RUNNING",
      }),
      provenance: t.field({
        type: Provenance,
        description: "Where its answers came from, at its end.",
        resolve: ({ payload }) => payload.provenance ?? null,
      }),
      parentRunId: t.id({
        description: "The run that started it, when it is queued.",
        resolve: ({ payload }) => (payload.parent === undefined ? null : globalId("Run", payload.parent)),
      }),
      failure: t.field({ type: failure, description: "Why it did not succeed.", resolve: ({ payload }) => payload.failure ?? null }),
      totalUsage: t.field({
        type: UsageView,
        description: "All of its model calls, at its end.",
        resolve: (event, _, scope) => finalUsage(scope, event),
      }),
      output: t.field({
        type: "JSON",
        description: "What came of it, at its end.",
        resolve: ({ runId, payload }, _, scope) => shownValue(scope, runId ?? "", payload.output, payload.refs?.output),
      }),
    }),
  });
}

async function finalUsage(scope: Scope, { runId, payload }: LoggedEvent<StatusPayload>): Promise<UsageView | null> {
  if (payload.usage === undefined || runId === undefined) return null;
  return pricedUsage(scope, payload.usage, { id: runId, provenance: payload.provenance });
}

function addStepEvents(builder: GraphBuilder): void {
  defineEventType<EventPayloads["step.started"]>(builder, "StepStartedEvent", {
    kinds: ["step.started"],
    of: "run",
    description: "A step began.",
    fields: (t) => ({
      stepId: t.id({ nullable: false, description: "The step.", resolve: (event) => stepId(event, event.payload.s) }),
      parentStepId: t.id({
        description: "The step that it is part of.",
        resolve: (event) => (event.payload.parent === undefined ? null : stepId(event, event.payload.parent)),
      }),
      key: t.string({ nullable: false, description: "The unit; the same for every attempt at it.", resolve: ({ payload }) => payload.key }),
      name: t.string({ nullable: false, description: "What to call it.", resolve: ({ payload }) => payload.name }),
      kind: t.field({ type: StepKind, nullable: false, description: "What it does.", resolve: ({ payload }) => payload.stepKind }),
      attempt: t.int({ nullable: false, description: "Which attempt at the unit, from 1.", resolve: ({ payload }) => payload.attempt }),
      nodeKey: t.string({
        description: "The node of the workflow that it is an attempt at.",
        resolve: ({ payload }) => payload.node ?? null,
      }),
      iteration: t.int({
        description: "Which item of a map or round of a loop, from 0.",
        resolve: ({ payload }) => payload.iteration ?? null,
      }),
      childRun: t.field({
        type: Run,
        description: "The run that begins with it, as it is now; null where none does, or it is gone.",
        resolve: ({ payload }, _, scope) => loadOne<Run>(scope, loadRuns, payload.child),
      }),
    }),
  });
  defineEventType<EventPayloads["step.finished"]>(builder, "StepFinishedEvent", {
    kinds: ["step.finished"],
    of: "run",
    description: "A step ended.",
    fields: (t) => ({
      stepId: t.id({ nullable: false, description: "The step.", resolve: (event) => stepId(event, event.payload.s) }),
      stepStatus: t.field({ type: StepStatus, nullable: false, description: "How it ended.", resolve: ({ payload }) => payload.status }),
      error: t.string({ description: "Why it failed.", resolve: ({ payload }) => payload.error ?? null }),
      durationMs: t.float({
        description: "How long it took, in milliseconds, where that is known.",
        resolve: ({ payload }) => payload.ms ?? null,
      }),
    }),
  });
}

function addMessageEvents(builder: GraphBuilder): void {
  defineEventType<EventPayloads["message.started"]>(builder, "MessageStartedEvent", {
    kinds: ["message.started"],
    of: "run",
    description: "A message began. It ends with a MessageFinishedEvent, also after a crash.",
    fields: (t) => ({
      messageId: t.id({ nullable: false, description: "The message.", resolve: (event) => messageId(event, event.payload.m) }),
      role: t.field({ type: MessageRole, nullable: false, description: "Who says it.", resolve: ({ payload }) => payload.role }),
      agent: t.string({ description: "The name of the agent that says it.", resolve: ({ payload }) => payload.agent ?? null }),
      attempt: t.int({ nullable: false, description: "Which attempt at the answer, from 1.", resolve: ({ payload }) => payload.attempt }),
    }),
  });
  defineEventType<EventPayloads["message.delta"]>(builder, "MessageDeltaEvent", {
    kinds: ["message.delta"],
    of: "run",
    description: "More of a message. May carry many tokens.",
    fields: (t) => ({
      messageId: t.id({ nullable: false, description: "The message.", resolve: (event) => messageId(event, event.payload[0]) }),
      part: t.int({ nullable: false, description: "The part that it adds to.", resolve: ({ payload }) => payload[1] }),
      channel: t.field({
        type: DeltaChannel,
        nullable: false,
        description: "Answer or reasoning.",
        resolve: ({ payload }) => (payload[3] ? "REASONING" : "TEXT"),
      }),
      text: t.string({ nullable: false, description: "What to append.", resolve: ({ payload }) => payload[2] }),
    }),
  });
  defineEventType<EventPayloads["message.finished"]>(builder, "MessageFinishedEvent", {
    kinds: ["message.finished"],
    of: "run",
    description: "A message ended. A model call that is tried again is a new message; the old one is superseded by it.",
    fields: (t) => ({
      messageId: t.id({ nullable: false, description: "The message.", resolve: (event) => messageId(event, event.payload.m) }),
      messageStatus: t.field({
        type: MessageStatus,
        nullable: false,
        description: "How it ended.",
        resolve: ({ payload }) => payload.status,
      }),
      supersededBy: t.id({
        description: "The message that takes its place.",
        resolve: ({ payload }) => (payload.supersededBy === undefined ? null : globalId("Message", payload.supersededBy)),
      }),
      text: t.string({ nullable: false, description: "Its whole text.", resolve: ({ payload }) => payload.text }),
      message: t.field({
        type: Message,
        description: "The message as it is now; null where it is gone.",
        resolve: ({ runId, payload }, _, scope) => loadOne<Message>(scope, loadMessages, messageIdOf(runId ?? "", payload.m)),
      }),
    }),
  });
}

function addOtherEvents(builder: GraphBuilder, { progress }: RunRefs): void {
  defineEventType<EventPayloads["interrupt.raised"]>(builder, "InterruptEvent", {
    kinds: ["interrupt.raised", "interrupt.resolved"],
    of: "run",
    description: "A run asks people, or was answered.",
    fields: (t) => ({
      interruptId: t.id({
        nullable: false,
        description: "The interrupt.",
        resolve: ({ payload }) => globalId("Interrupt", payload.interrupt),
      }),
      interruptStatus: t.field({
        type: InterruptStatus,
        nullable: false,
        description: "Its status from here on.",
        resolve: ({ payload }) => payload.status,
      }),
      interrupt: t.field({
        type: Interrupt,
        description: "The interrupt as it is now; null where it is gone.",
        resolve: ({ payload }, _, scope) => loadOne<Interrupt>(scope, loadInterrupts, payload.interrupt),
      }),
    }),
  });
  defineEventType<EventPayloads["state.patched"]>(builder, "StatePatchedEvent", {
    kinds: ["state.patched"],
    of: "run",
    description: "The state of a run changed.",
    fields: (t) => ({
      patch: t.field({
        type: "JSON",
        nullable: false,
        description: "What changed, as its framework says it.",
        resolve: ({ payload }) => payload.patch,
      }),
    }),
  });
  defineEventType<EventPayloads["usage.recorded"]>(builder, "UsageRecordedEvent", {
    kinds: ["usage.recorded"],
    of: "run",
    description: "A model call used tokens.",
    fields: (t) => ({
      modelStepId: t.id({
        description: "The step that made the call.",
        resolve: (event) => (event.payload.s === undefined ? null : stepId(event, event.payload.s)),
      }),
      provider: t.string({ nullable: false, description: "Who answered.", resolve: ({ payload }) => payload.provider }),
      model: t.string({ nullable: false, description: "With which model.", resolve: ({ payload }) => payload.model }),
      usage: t.field({
        type: UsageView,
        nullable: false,
        description: "The tokens.",
        resolve: (event, _, scope) => usageOfCall(scope, event),
      }),
    }),
  });
  defineEventType<EventPayloads["progress"]>(builder, "ProgressEvent", {
    kinds: ["progress"],
    of: "run",
    description: "A run says how far it is.",
    fields: (t) => ({ progress: t.field({ type: progress, nullable: false, description: "How far.", resolve: ({ payload }) => payload }) }),
  });
  defineEventType<{ readonly name?: string; readonly data?: unknown } | null>(builder, "CustomEvent", {
    kinds: ["custom"],
    of: "run",
    description: "Something of a framework's or plugin's own.",
    fields: (t) => ({
      name: t.string({
        nullable: false,
        description: "What it is.",
        resolve: ({ kind, payload }) => (kind === "custom" ? (payload?.name ?? "") : kind),
      }),
      data: t.field({
        type: "JSON",
        description: "What it carries.",
        resolve: ({ kind, payload }) => (kind === "custom" ? (payload?.data ?? null) : payload),
      }),
    }),
  });
}

async function usageOfCall(scope: Scope, { runId, payload }: LoggedEvent<EventPayloads["usage.recorded"]>): Promise<UsageView> {
  const call = addUsage(noUsage, payload);
  if (payload.cost || runId === undefined) return new UsageView(call);
  // Events of earlier versions do not say which of a run's calls were simulated: each counts as one only where all were.
  const run = await loadOne<Run>(scope, loadRuns, runId);
  if (run?.provenance !== "SIMULATED" || !(await isAllSimulated(scope, runId))) return new UsageView(call);
  return new UsageView({ ...call, unpricedCalls: 0, priceSources: [simulatedPrice] });
}
