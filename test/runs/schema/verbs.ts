import { expect } from "vitest";
import type { RunEventBody } from "#weftline";
import { collect, type TestPlatform } from "../../../src/testing/index.ts";
import { alice } from "./fixtures.ts";

/** Starts a run and selects all that its answer can be. */
export const start = `mutation ($input: StartRunInput!) { startRun(input: $input) {
  __typename
  ... on StartRunPayload { run { id status input targetVersion trigger target { __typename name } } }
  ... on UserError { code message path }
  ... on InvalidInputError { issues { path message } }
} }`;

/** Follows a run and selects every field of every event. */
export const follow = `subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) {
  __typename seq type runId
  ... on RunStatusEvent { runStatus provenance output failure { code } totalUsage { totalTokens cost { amount } } }
  ... on StepStartedEvent { stepId key stepName: name kind attempt }
  ... on StepFinishedEvent { stepId stepStatus }
  ... on MessageStartedEvent { messageId role agent attempt }
  ... on MessageDeltaEvent { messageId part channel text }
  ... on MessageFinishedEvent { messageId messageStatus supersededBy text message { id text status seq } }
  ... on ToolRequestedEvent { toolCallId name arguments calledFrom { messageId part } }
  ... on ToolArgumentsEvent { toolCallId delta arguments }
  ... on ToolStartedEvent { toolCallId attempt }
  ... on ToolProgressEvent { toolCallId data }
  ... on ToolFinishedEvent { toolCallId toolStatus result error }
  ... on InterruptEvent { interruptId interruptStatus interrupt { toolName arguments argumentsHash allowed canDecide } }
  ... on UsageRecordedEvent { modelStepId provider model usage { totalTokens modelCalls cost { priceSource } } }
  ... on ProgressEvent { progress { done total } }
  ... on StatePatchedEvent { patch }
  ... on CustomEvent { customName: name customData: data }
  ... on SnapshotEvent { messages { id text status } hasEarlierMessages runs { id status } interrupts { id } }
} }`;

/** An event as {@link follow} selects it. */
export interface Event {
  readonly __typename: string;
  readonly seq: number;
  readonly type: string;
  readonly runId: string;
  readonly [field: string]: unknown;
}

/** What {@link start} answers. */
export interface Started {
  readonly startRun: {
    readonly __typename: string;
    readonly run: { readonly id: string; readonly status: string };
    readonly code?: string;
  };
}

/** Starts a run as alice. @returns its id. */
export async function startRun(app: TestPlatform, input: object = {}): Promise<string> {
  const { startRun: answer } = await app.graphql<Started>(
    start,
    { input: { target: { pattern: "twill" }, text: "Weave.", ...input } },
    alice,
  );
  expect(answer.__typename).toBe("StartRunPayload");
  return answer.run.id;
}

/** The events of alice's run up to its end. */
export async function eventsOf(app: TestPlatform, run: string, after: number | null = 0): Promise<Event[]> {
  const events = await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after }, alice));
  return events.map(({ runEvents }) => runEvents);
}

/** Says something when the gate opens, or stops with the signal. */
export async function* until(gate: Promise<void>, signal: AbortSignal): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: "1" };
  yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "First " };
  const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  await Promise.race([gate, aborted]);
  yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "then." };
  yield { kind: "message.finished", message: "1", status: "COMPLETE" };
}

/** The id of a part of a run as its row has it: `.1` for its first message. */
export const localIdOf = (run: string, suffix: string): string => Buffer.from(run, "base64url").toString().replace("Run:", "") + suffix;
