import { isRecord, type OfferedTool } from "./request.ts";

/** A tool that a message names. */
export interface Mention {
  readonly tool: OfferedTool;
  /** The name as the message spells it, as in `time.now` for the tool `time_now`. */
  readonly said: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The tools that a message names, in the message's order, each once. A tool name has underscores where a capability's name has dots, so any
 * one or two signs between its words match.
 *
 * @example mentionsOf("What does time.now say?", [{ name: "time_now", parameters: {} }]) // one mention
 */
export function mentionsOf(message: string, tools: readonly OfferedTool[]): readonly Mention[] {
  return tools
    .flatMap((tool) => {
      const match = patternOf(tool.name)?.exec(message);
      return match ? [{ tool, said: match[0], start: match.index, end: match.index + match[0].length }] : [];
    })
    .toSorted((a, b) => a.start - b.start);
}

function patternOf(name: string): RegExp | undefined {
  const words = name.match(/[\p{L}\p{N}]+/gu);
  if (!words) return undefined;
  const [first = "", ...rest] = words;
  const tight = "[^\\p{L}\\p{N}\\s]{1,2}";
  // What follows is the name of an agent, and may hold spaces.
  const loose = /^(?:agent|handoff)$/i.test(first) ? "[^\\p{L}\\p{N}]{1,2}" : tight;
  const body = [first, rest.join(loose)].filter((part) => part !== "").join(tight);
  // The outer guards keep `time.now` out of `time.now.utc` and `my.time.now`, but let a full stop end a sentence.
  return new RegExp(`(?<![\\p{L}\\p{N}_])(?<![\\p{L}\\p{N}_][./-])${body}(?![\\p{L}\\p{N}_])(?![./-][\\p{L}\\p{N}_])`, "iu");
}

/** Values that a message holds for the arguments of a tool. */
interface FoundValues {
  /** A JSON object, exactly as it stands in the message. */
  readonly object?: string;
  readonly quoted: readonly string[];
  readonly numbers: readonly number[];
  readonly expression?: string;
  /** The message's own words. */
  readonly text: string;
  /** What is left of them once the words that only ask for the tool are gone. */
  readonly request: string;
}

/** Looks for values after a mention first, and where there are none of a kind, in the whole message. */
export function valuesFor(mention: Mention, all: readonly Mention[], message: string): FoundValues {
  const following = all.find((other) => other.start >= mention.end);
  const near = valuesIn(message.slice(mention.end, following?.start));
  let bare = message;
  for (const { start, end } of all) bare = bare.slice(0, start) + " ".repeat(end - start) + bare.slice(end);
  const far = valuesIn(bare);
  const object = near.object ?? (all.length === 1 ? far.object : undefined);
  const expression = near.expression ?? far.expression;
  return {
    ...(object === undefined ? {} : { object }),
    ...(expression === undefined ? {} : { expression }),
    quoted: near.quoted.length > 0 ? near.quoted : far.quoted,
    numbers: near.numbers.length > 0 ? near.numbers : far.numbers,
    text: far.text,
    request: near.request === "" ? far.request : near.request,
  };
}

/** A word or sign that only asks for a tool. */
const asking = /(?:[\s,:;.-]+|(?:please|can|could|would|you|use|call|run|try|invoke|ask|to|for|and|the|tool|with)\b)/i;

function askingLength(line: string): number {
  // Word by word: one pattern for all of them would need a stack as deep.
  const next = new RegExp(asking, "iy");
  let length = 0;
  while (next.test(line)) length = next.lastIndex;
  return length;
}

/** The signs at a text's end are looked for from its end: a pattern would begin anew at each of them. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && /[\s.!]/.test(line[end - 1] ?? "")) end--;
  return line.slice(0, end);
}

function valuesIn(text: string): FoundValues {
  const line = text.replace(/\s+/g, " ").trim();
  const object = jsonObjectIn(text);
  const expression = expressionIn(text);
  return {
    ...(object === undefined ? {} : { object }),
    ...(expression === undefined ? {} : { expression }),
    quoted: quotedIn(text),
    numbers: [...text.matchAll(/(?<![\w.:/-])-?(?:\d{1,3}(?:,\d{3}){1,10}|\d+)(?:\.\d+)?(?![\w:/-]|\.\d)/g)].map((match) =>
      Number(match[0].replaceAll(",", "")),
    ),
    text: line,
    request: withoutEnd(line.slice(askingLength(line))),
  };
}

function quotedIn(text: string): readonly string[] {
  const quotes = /"([^"]+)"|“([^“”]+)”|`([^`]+)`|(?<![\p{L}\p{N}])'([^']+)'(?![\p{L}\p{N}])/gu;
  return [...text.matchAll(quotes)]
    .map((match) => (match[1] ?? match[2] ?? match[3] ?? match[4] ?? "").trim())
    .filter((value) => value !== "");
}

/** Most braces from which an object is looked for, so that a message of nothing but braces costs little. */
const mostObjects = 50;

function jsonObjectIn(text: string): string | undefined {
  let start = text.indexOf("{");
  for (let tried = 0; start >= 0 && tried < mostObjects; tried += 1, start = text.indexOf("{", start + 1)) {
    const end = closingBrace(text, start);
    const candidate = end === undefined ? "" : text.slice(start, end + 1);
    if (candidate !== "" && isRecord(parsed(candidate))) return candidate;
  }
  return undefined;
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign === "\\") at += 1;
      else if (sign === '"') quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === "{") depth += 1;
    else if (sign === "}") {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

/** The value of a JSON text, or nothing where it is none. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const term = String.raw`\d+(?:\.\d+)?|[-+*/^%()]|\b(?:sqrt|abs|sin|cos|tan|log|ln|exp|min|max|round|floor|ceil|pow)(?=\s*\()|\bpi\b|\s`;

const longestExpression = 500;

function expressionIn(text: string): string | undefined {
  const runs =
    text
      .replaceAll("×", "*")
      .replaceAll("÷", "/")
      .match(new RegExp(`(?:${term})+`, "giu")) ?? [];
  const expressions = runs
    .filter((run) => run.length <= longestExpression)
    .map(trimmedExpression)
    .filter((run) => /[\d)i]\s*[-+*/^%]\s*[-(\dspa-z]|[a-z]\s*\(/i.test(run));
  return expressions.toSorted((a, b) => b.length - a.length)[0];
}

function trimmedExpression(run: string): string {
  let expression = run.trim();
  for (;;) {
    const depth = expression.split("(").length - expression.split(")").length;
    const shorter =
      depth < 0 && expression.endsWith(")")
        ? expression.slice(0, -1)
        : depth > 0 && expression.startsWith("(")
          ? expression.slice(1)
          : expression.replace(/^[*/^%)+]+|[-+*/^%(]+$/g, "");
    if (shorter.trim() === expression) return expression;
    expression = shorter.trim();
  }
}
