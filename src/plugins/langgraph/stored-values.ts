import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";

/** Bytes among JSON. */
interface StoredBytes {
  readonly "lc:bytes": string;
}

/** A value of LangGraph's as JSON: messages and the like in LangChain's own form. */
export async function encode(serde: SerializerProtocol, value: unknown): Promise<unknown> {
  const [type, bytes] = await serde.dumpsTyped(value);
  if (type !== "json") return { "lc:bytes": Buffer.from(bytes).toString("base64") } satisfies StoredBytes;
  const text = new TextDecoder().decode(bytes);
  return text === "" ? null : (JSON.parse(text) as unknown);
}

/** What {@link encode} was given. */
export async function decode(serde: SerializerProtocol, stored: unknown): Promise<unknown> {
  if (isBytes(stored)) return serde.loadsTyped("bytes", Buffer.from(stored["lc:bytes"], "base64"));
  return serde.loadsTyped("json", JSON.stringify(stored)) as Promise<unknown>;
}

export async function encodeAll(serde: SerializerProtocol, values: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const entries = Object.entries(values).map(async ([name, value]) => [name, await encode(serde, value)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

export async function decodeAll(serde: SerializerProtocol, stored: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const entries = Object.entries(stored).map(async ([name, value]) => [name, await decode(serde, value)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function isBytes(value: unknown): value is StoredBytes {
  return typeof value === "object" && value !== null && "lc:bytes" in value && typeof value["lc:bytes"] === "string";
}

/** Whether a channel is LangGraph's own, as `branch:to:node`, and no part of the state that a graph declares. */
export function isInternal(channel: string): boolean {
  return channel.startsWith("__") || /^(branch|join|start):/.test(channel);
}
