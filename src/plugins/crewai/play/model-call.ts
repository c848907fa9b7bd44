import { hashOf, type ConversationMessage, type ModelBinding, type ToolDefinition } from "#weftline";
import type { OpenAIOptions } from "#plugins/openai";
import type { CrewAgent } from "../definition/crew.ts";
import type { Place } from "./places.ts";

/** A tool as a model is offered it. */
export interface OfferedTool extends Pick<ToolDefinition, "name" | "description" | "inputSchema"> {
  /** Who runs it: the platform, behind its policies, or the crew itself, which hands work on. */
  readonly by: "platform" | "crew";
}

/** What a model is asked. */
export interface ModelRequest {
  readonly place: Place;
  /** Whose model is asked. */
  readonly agent: Pick<CrewAgent, "key" | "role" | "maxRpm">;
  readonly binding: ModelBinding;
  readonly messages: readonly ConversationMessage[];
  readonly tools: readonly OfferedTool[];
  readonly options: OpenAIOptions;
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
  /** `said` to those who watch, or thought: a check that is nobody's answer. */
  readonly voice: "said" | "thought";
}

/** A call that a model wants made, by the tool's own name. */
export interface AskedCall {
  readonly callId: string;
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
  /** Why it must not be made. */
  readonly problem?: string;
}

export interface ModelAnswer {
  readonly text: string;
  readonly calls: readonly AskedCall[];
  /** What the provider wants back with it. */
  readonly native?: unknown;
}

/** Names a request by what it says, so that the same one is known again on another turn. */
export function hashOfRequest({ place, binding, messages, tools, outputSchema, options }: ModelRequest): string {
  const { model, id } = binding;
  // What goes back to the provider says nothing of its own, and a turn after a crash may lack it.
  const said = messages.map((message) => ({ ...message, native: undefined }));
  return hashOf({
    task: place.task,
    model: `${id}/${model}`,
    messages: said,
    tools: tools.map(({ name }) => name),
    outputSchema,
    options,
  }).slice(0, 24);
}
