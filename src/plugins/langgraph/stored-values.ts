import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { WeftlineError } from "#weftline";
import type { StoredFiles } from "./stored-files.ts";

/** Bytes among JSON. */
interface StoredBytes {
  readonly "lc:bytes": string;
}

/** A value as it is stored. */
export interface Encoded {
  readonly json: unknown;
  /** What it takes as text. */
  readonly bytes: number;
}

/** LangGraph's values as JSON and back: messages and the like in LangChain's own form, files by name. */
export class StoredValues {
  readonly #serde: SerializerProtocol;
  readonly #files: StoredFiles;

  constructor(serde: SerializerProtocol, files: StoredFiles) {
    this.#serde = serde;
    this.#files = files;
  }

  /** @throws STATE_REFUSED for what could not be given back as it is. */
  async encode(value: unknown): Promise<Encoded> {
    const [type, bytes] = await this.#serde.dumpsTyped(value);
    if (type !== "json") {
      const json: StoredBytes = { "lc:bytes": Buffer.from(bytes).toString("base64") };
      return { json, bytes: json["lc:bytes"].length };
    }
    const text = this.#files.hide(new TextDecoder().decode(bytes));
    const json = text === "" ? null : (JSON.parse(text) as unknown);
    checkClasses(json);
    return { json, bytes: Buffer.byteLength(text) };
  }

  /** What {@link encode} was given. */
  async decode(stored: unknown): Promise<unknown> {
    if (isBytes(stored)) return this.#serde.loadsTyped("bytes", Buffer.from(stored["lc:bytes"], "base64"));
    checkClasses(stored);
    return this.#serde.loadsTyped("json", this.#files.show(JSON.stringify(stored))) as Promise<unknown>;
  }

  async encodeAll(values: Readonly<Record<string, unknown>>): Promise<Record<string, Encoded>> {
    const entries = Object.entries(values).map(async ([name, value]) => [name, await this.encode(value)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  async decodeAll(stored: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    const entries = Object.entries(stored).map(async ([name, value]) => [name, await this.decode(value)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
}

function isBytes(value: unknown): value is StoredBytes {
  return typeof value === "object" && value !== null && "lc:bytes" in value && typeof value["lc:bytes"] === "string";
}

const messages = ["Human", "AI", "System", "Tool", "Function", "Chat"].flatMap((who) => [`${who}Message`, `${who}MessageChunk`]);
const classes: ReadonlySet<string> = new Set([...messages, "RemoveMessage"].map((name) => `langchain_core/messages/${name}`));

/**
 * JSON of a certain shape names a class and what to make one with, and LangChain makes whichever it knows, wherever it stands: a tool or a model
 * could write that. Messages alone are made.
 */
function checkClasses(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if ("lc" in value && value.lc === 1 && "id" in value && Array.isArray(value.id)) {
    const { type } = value as { readonly type?: unknown };
    const name = value.id.join("/");
    if (type === "secret" || (type === "constructor" && !classes.has(name)))
      throw new WeftlineError("STATE_REFUSED", { problem: `it holds a ${type === "secret" ? "secret" : "class"} of LangChain, ${name}` });
  }
  for (const each of Object.values(value)) checkClasses(each);
}

/** Whether a channel is LangGraph's own, as `branch:to:node`, and no part of the state that a graph declares. */
export function isInternal(channel: string): boolean {
  return channel.startsWith("__") || /^(branch|join|start):/.test(channel);
}
