import type { RunEventBody, TokenUsage } from "#weftline";
import type { StatePatches } from "./state-patches.ts";
import { textOfContent } from "./outcome.ts";

/** What `RemoteGraph` streams: where in the graph, in which mode, what. */
export type RemoteChunk = readonly [namespace: readonly string[], mode: string, data: unknown];

interface RemoteMessage {
  readonly id?: string;
  readonly type?: string;
  readonly name?: string;
  readonly content?: unknown;
  readonly usage_metadata?: UsageFields | null;
}

interface UsageFields {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly input_token_details?: { readonly cache_read?: number };
  readonly output_token_details?: { readonly reasoning?: number };
}

interface MessageMetadata {
  readonly langgraph_node?: string;
  readonly ls_provider?: string;
  readonly ls_model_name?: string;
}

interface Speaking {
  readonly key: string;
  readonly node: string;
  readonly provider: string;
  readonly model: string;
  readonly parts: Map<string, number>;
  text: string;
  usage: TokenUsage | undefined;
}

/** Reads what a LangGraph server streams of a run. What it says is told as it comes; a node is told of when it has finished. */
export class RemoteEvents {
  readonly #graph: string;
  readonly #patches: StatePatches;
  readonly #open = new Map<string, Speaking>();
  readonly #counts = new Map<string, number>();
  #said: string | undefined;

  constructor(graph: string, patches: StatePatches) {
    this.#graph = graph;
    this.#patches = patches;
  }

  /** The text of the last message that came to its end. */
  get said(): string | undefined {
    return this.#said;
  }

  *read([namespace, mode, data]: RemoteChunk): Generator<RunEventBody> {
    if (mode === "messages") yield* this.#message(data as readonly [RemoteMessage, MessageMetadata?]);
    else if (mode === "updates") yield* this.#updates(namespace, data as Readonly<Record<string, unknown>>);
    else if (mode === "values" && namespace.length === 0) yield* this.#patches.changed(data as Readonly<Record<string, unknown>>);
    else if (mode === "custom") yield { kind: "custom", name: "langgraph.custom", data: { namespace, data } };
  }

  /** Ends what is still open. */
  *close(): Generator<RunEventBody> {
    for (const id of [...this.#open.keys()]) yield* this.#finish(id);
  }

  *#message([message, metadata = {}]: readonly [RemoteMessage, MessageMetadata?]): Generator<RunEventBody> {
    if (message.type === "tool") yield* this.#tool(message);
    if (message.type !== "ai" && message.type !== "AIMessageChunk") return;
    const id = message.id ?? "answer";
    let speaking = this.#open.get(id);
    if (!speaking) {
      speaking = this.#speaking(metadata);
      this.#open.set(id, speaking);
      yield { kind: "step.started", step: speaking.key, name: speaking.model, stepKind: "MODEL" };
      yield { kind: "message.started", message: speaking.key };
    }
    yield* deltasOf(message.content, speaking);
    if (message.usage_metadata) speaking.usage = sum(speaking.usage, message.usage_metadata);
  }

  #speaking({
    langgraph_node: node = this.#graph,
    ls_provider: provider = "langgraph",
    ls_model_name: model = this.#graph,
  }: MessageMetadata): Speaking {
    return { key: this.#number(`${node}/model`), node, provider, model, parts: new Map(), text: "", usage: undefined };
  }

  *#finish(id: string): Generator<RunEventBody> {
    const speaking = this.#open.get(id);
    if (!speaking) return;
    this.#open.delete(id);
    const { key, provider, model, text, usage } = speaking;
    this.#said = text;
    yield { kind: "message.finished", message: key, status: "COMPLETE" };
    if (usage) yield { kind: "usage.recorded", step: key, provider, model, ...usage };
    yield { kind: "step.finished", step: key, status: "SUCCEEDED" };
  }

  /** The server has called it; here it is no more than a step. */
  *#tool({ name = "tool", content }: RemoteMessage): Generator<RunEventBody> {
    const step = this.#number(`tool/${name}`);
    yield { kind: "step.started", step, name, stepKind: "TOOL" };
    yield { kind: "step.finished", step, status: "SUCCEEDED", output: textOfContent(content) };
  }

  *#updates(namespace: readonly string[], updates: Readonly<Record<string, unknown>>): Generator<RunEventBody> {
    const around = namespace.map((place) => `${place.split(":")[0]}/`).join("");
    for (const [node, output] of Object.entries(updates)) {
      if (node === "__interrupt__") continue;
      for (const [id, speaking] of [...this.#open]) if (speaking.node === node) yield* this.#finish(id);
      const step = this.#number(`${around}${node}`);
      yield { kind: "step.started", step, name: node, stepKind: "NODE" };
      yield { kind: "step.finished", step, status: "SUCCEEDED", output };
    }
  }

  #number(name: string): string {
    const number = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, number);
    return `${name}/${number}`;
  }
}

function* deltasOf(content: unknown, speaking: Speaking): Generator<RunEventBody> {
  const blocks =
    typeof content === "string"
      ? [{ type: "text", text: content }]
      : Array.isArray(content)
        ? (content as Readonly<Record<string, unknown>>[])
        : [];
  for (const [place, block] of blocks.entries()) {
    const channel = block["type"] === "text" ? "TEXT" : "REASONING";
    const text = block["text"] ?? block["reasoning"] ?? block["thinking"];
    if (typeof text !== "string" || text === "") continue;
    const name = `${channel} ${String(("index" in block ? block["index"] : undefined) ?? place)}`;
    const part = speaking.parts.get(name) ?? speaking.parts.size;
    speaking.parts.set(name, part);
    if (channel === "TEXT") speaking.text += text;
    yield { kind: "message.delta", message: speaking.key, part, channel, text };
  }
}

function sum(before: TokenUsage | undefined, usage: UsageFields): TokenUsage {
  const cached = usage.input_token_details?.cache_read;
  const reasoning = usage.output_token_details?.reasoning;
  return {
    inputTokens: (before?.inputTokens ?? 0) + (usage.input_tokens ?? 0),
    outputTokens: (before?.outputTokens ?? 0) + (usage.output_tokens ?? 0),
    ...(cached === undefined ? {} : { cachedInputTokens: (before?.cachedInputTokens ?? 0) + cached }),
    ...(reasoning === undefined ? {} : { reasoningTokens: (before?.reasoningTokens ?? 0) + reasoning }),
  };
}
