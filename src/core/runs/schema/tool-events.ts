import type { GraphBuilder } from "../../graphql/builder.ts";
import { globalId } from "../../graphql/ids.ts";
import { defineEventType } from "../event-types.ts";
import { messageIdOf, toolCallIdOf, type EventPayloads, type LoggedEvent } from "../events.ts";
import { ToolCallStatus } from "../types.ts";
import { shownValue } from "./values.ts";

const about = "The call, as ToolCallPart names it; opaque.";
const callId = ({ runId, payload }: LoggedEvent<{ readonly c: number }>): string => toolCallIdOf(runId ?? "", payload.c);

/** The type key of `MessagePartRef`: a part of a message of the conversation. */
class MessagePartRef {
  readonly message: string;
  readonly part: number;

  constructor(message: string, part: number) {
    this.message = message;
    this.part = part;
  }
}

/** The graph's types of the events of tool calls. */
export function addToolEvents(builder: GraphBuilder): void {
  builder.objectType(MessagePartRef, {
    name: "MessagePartRef",
    description: "A part of a message.",
    fields: (t) => ({
      messageId: t.id({ nullable: false, description: "The message.", resolve: ({ message }) => globalId("Message", message) }),
      part: t.exposeInt("part", { nullable: false, description: "The part of it, from 0." }),
    }),
  });
  defineEventType<EventPayloads["tool.requested"]>(builder, "ToolRequestedEvent", {
    kinds: ["tool.requested"],
    of: "run",
    description: "A model asks for a tool call. It ends with a ToolFinishedEvent, also after a crash.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: about, resolve: callId }),
      name: t.string({ nullable: false, description: "The tool.", resolve: ({ payload }) => payload.name }),
      arguments: t.field({
        type: "JSON",
        description: "The arguments; null while they stream.",
        resolve: ({ runId, payload }, _, scope) => shownValue(scope, runId ?? "", payload.arguments, payload.refs?.arguments),
      }),
      calledFrom: t.field({
        type: MessagePartRef,
        description: "Where a model asked for it; null where a person or a framework called the tool.",
        resolve: ({ runId, payload: { m, part } }) =>
          m === undefined || part === undefined ? null : new MessagePartRef(messageIdOf(runId ?? "", m), part),
      }),
    }),
  });
  defineEventType<EventPayloads["tool.arguments"]>(builder, "ToolArgumentsEvent", {
    kinds: ["tool.arguments"],
    of: "run",
    description: "More of the arguments. The last one carries the validated whole.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: about, resolve: callId }),
      delta: t.string({ description: "More of their JSON text, as the model writes it.", resolve: ({ payload }) => payload.delta ?? null }),
      arguments: t.field({
        type: "JSON",
        description: "The whole.",
        resolve: ({ runId, payload }, _, scope) => shownValue(scope, runId ?? "", payload.arguments, payload.refs?.arguments),
      }),
    }),
  });
  defineEventType<EventPayloads["tool.started"]>(builder, "ToolStartedEvent", {
    kinds: ["tool.started"],
    of: "run",
    description: "A tool begins to run.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: about, resolve: callId }),
      attempt: t.int({ nullable: false, description: "Which attempt, from 1.", resolve: ({ payload }) => payload.attempt }),
    }),
  });
  defineEventType<EventPayloads["tool.progress"]>(builder, "ToolProgressEvent", {
    kinds: ["tool.progress"],
    of: "run",
    description: "A tool says how it goes.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: about, resolve: callId }),
      data: t.field({ type: "JSON", description: "What it says.", resolve: ({ payload }) => payload.data ?? null }),
    }),
  });
  defineEventType<EventPayloads["tool.finished"]>(builder, "ToolFinishedEvent", {
    kinds: ["tool.finished"],
    of: "run",
    description: "A tool call ended.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: about, resolve: callId }),
      toolStatus: t.field({
        type: ToolCallStatus,
        nullable: false,
        description: "How it ended.",
        resolve: ({ payload }) => payload.status,
      }),
      result: t.field({
        type: "JSON",
        description: "What the tool answered.",
        resolve: ({ runId, payload }, _, scope) => shownValue(scope, runId ?? "", payload.result, payload.refs?.result),
      }),
      error: t.string({ description: "Why there is no result.", resolve: ({ payload }) => payload.error ?? null }),
      durationMs: t.float({
        description: "How long the tool ran, in milliseconds, where it ran.",
        resolve: ({ payload }) => payload.ms ?? null,
      }),
    }),
  });
}
