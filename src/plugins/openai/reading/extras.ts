import type { Fields } from "./text.ts";
import { isFields } from "./text.ts";

/** Fields of a Chat Completions message that providers want back within the turn, as they came. */
const kept = ["reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "extra_content"] as const;
/** More than that is no signature and no thought. */
const mostCharacters = 2 ** 20;

/** Collects what a provider wants back with a message, from the deltas that it comes in. */
export class MessageExtras {
  #fields: Record<string, unknown> = {};

  take(delta: Fields): void {
    for (const field of kept) {
      const value = delta[field];
      if (value != null && value !== "") this.#fields[field] = joined(this.#fields[field], value);
    }
  }

  /** Nothing where there is nothing, or too much. */
  get fields(): Fields {
    return JSON.stringify(this.#fields).length > mostCharacters ? {} : this.#fields;
  }
}

/** Fields that came with a call besides those that make it up. */
export function callExtras(call: Fields): Fields | undefined {
  const { function: called } = call;
  const outer = others(call, ["index", "id", "type", "function", "name", "arguments"]);
  const inner = isFields(called) ? others(called, ["name", "arguments"]) : {};
  const extras = isEmpty(inner) ? outer : { ...outer, function: inner };
  return isEmpty(extras) || JSON.stringify(extras).length > mostCharacters ? undefined : extras;
}

function others(fields: Fields, known: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value != null && !known.includes(name)));
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

function isEmpty(fields: Fields): boolean {
  return Object.keys(fields).length === 0;
}

/** Texts are joined, lists grow, and of anything else the last stands. */
function joined(before: unknown, more: unknown): unknown {
  if (typeof before === "string" && typeof more === "string") return before + more;
  if (Array.isArray(before) && Array.isArray(more)) return more.reduce<unknown[]>(withBlock, before);
  return isFields(before) && isFields(more) ? { ...before, ...more } : more;
}

/** Pieces of one block are that block: they have its type and its index. */
function withBlock(blocks: unknown[], block: unknown): unknown[] {
  const last = blocks.at(-1);
  if (!isFields(last) || !isFields(block) || last["type"] !== block["type"] || last["index"] !== block["index"]) return [...blocks, block];
  const texts = ["text", "summary", "thinking", "data"].flatMap((field) =>
    typeof block[field] === "string" ? [[field, `${typeof last[field] === "string" ? last[field] : ""}${block[field]}`] as const] : [],
  );
  return [...blocks.slice(0, -1), { ...last, ...withoutNulls(block), ...Object.fromEntries(texts) }];
}
