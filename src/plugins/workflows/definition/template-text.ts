/** A piece of a text with templates. */
export type TemplatePart = { readonly text: string } | { readonly expression: string };

/** A text taken apart, or what is wrong with it. */
export type TemplateText = { readonly parts: readonly TemplatePart[] } | { readonly problem: string };

/**
 * Takes a text apart at its `{{ expression }}`s. Braces and quotes of CEL may stand within them, as in `{{ {"a": "}}"} }}`.
 *
 * @example templateText("Hello {{ input.name }}"); // { parts: [{ text: "Hello " }, { expression: "input.name" }] }
 */
export function templateText(text: string): TemplateText {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf("{{", at);
    if (start < 0) break;
    if (start > at) parts.push({ text: text.slice(at, start) });
    const end = endOf(text, start + 2);
    if (end < 0) return { problem: 'A "{{" is not closed by "}}". To write the braces themselves: {{ "{{" }}.' };
    parts.push({ expression: text.slice(start + 2, end).trim() });
    at = end + 2;
  }
  if (at < text.length || parts.length === 0) parts.push({ text: text.slice(at) });
  return { parts };
}

/** Where the `}}` stands that ends the expression which begins there; negative where there is none. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"' || char === "'") at = endOfString(text, at, char);
    else if (char === "{") depth += 1;
    else if (char === "}" && depth > 0) depth -= 1;
    else if (char === "}" && text[at + 1] === "}") return at;
    if (at < 0) return -1;
  }
  return -1;
}

/** Where the last quote of a string of CEL stands. */
function endOfString(text: string, start: number, quote: string): number {
  const closing = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + closing.length; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text.startsWith(closing, at)) return at + closing.length - 1;
  }
  return Number.NEGATIVE_INFINITY;
}
