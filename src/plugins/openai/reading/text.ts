/** Text of an answer, and whether it is said or thought. */
export interface Spoken {
  readonly channel: "TEXT" | "REASONING";
  readonly text: string;
}

/** Where a block of content keeps its text, the most common first. */
const textFields = ["text", "thinking", "reasoning", "reasoning_content", "summary", "content", "output_text", "refusal", "value"] as const;
const deepest = 8;

/**
 * The text in what a provider sends as content, whatever its shape: a text, a block of text or of thoughts, or a list of them. What holds no
 * text is passed over.
 */
export function spoken(content: unknown, channel: Spoken["channel"] = "TEXT", depth = 0): readonly Spoken[] {
  if (typeof content === "string") return content === "" ? [] : [{ channel, text: content }];
  if (typeof content === "number") return [{ channel, text: String(content) }];
  if (Array.isArray(content)) return depth > deepest ? [] : content.flatMap((each) => spoken(each, channel, depth + 1));
  if (!isFields(content) || depth > deepest) return [];
  const own = isThought(content["type"]) ? "REASONING" : channel;
  for (const field of textFields) {
    const said = spoken(content[field], isThought(field) ? "REASONING" : own, depth + 1);
    if (said.length > 0) return said;
  }
  return [];
}

/** A value that has fields. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value's fields; none where it has none. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** A list's entries that have fields; one that came without its list counts as a list of one. */
export function entriesOf(value: unknown): readonly Fields[] {
  return (Array.isArray(value) ? value : [value]).filter(isFields);
}

/** A text, or the empty one for anything else. */
export function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What a text that is said to be all adds to what is known of it; nothing where it is another one. */
export function beyond(known: string, whole: string): string {
  return whole.startsWith(known) ? whole.slice(known.length) : "";
}

function isThought(name: unknown): boolean {
  return typeof name === "string" && /think|thought|reason/i.test(name);
}
