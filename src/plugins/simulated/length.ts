/** How long an answer is wanted. */
export interface LengthAsk {
  readonly words: number;
  readonly paragraphs?: number;
}

/** Most words of an answer; a sentence that crosses the line would still end below 20,000. */
const mostWords = 19_980;
const wordsAtLength = 400;
/** A paragraph has a sentence at least, so their number is limited too. */
const mostParagraphs = 250;
/** In order of precedence: "3 paragraphs in 500 words" has 500 words. */
const units = [
  { name: "word", words: 1 },
  { name: "token", words: 1 },
  { name: "paragraph", words: 75 },
  { name: "page", words: 400 },
  { name: "sentence", words: 14 },
] as const;

const counts: Readonly<Record<string, number>> = Object.fromEntries(
  "one two three four five six seven eight nine ten eleven twelve".split(" ").map((word, index) => [word, index + 1]),
);
const larger: Readonly<Record<string, number>> = {
  ...counts,
  twenty: 20,
  fifty: 50,
  "a hundred": 100,
  "one hundred": 100,
  "a thousand": 1000,
  "one thousand": 1000,
};

const amount = new RegExp(
  `(?<![\\w.])(?:(\\d[\\d,_]{0,11}(?:\\.\\d{1,3})?)\\s*(k|thousand|hundred)?|(${Object.keys(larger)
    .toSorted((a, b) => b.length - a.length)
    .join("|")}))[\\s-]*(?:\\w{1,20}\\s+)?(word|token|paragraph|sentence|page)s?\\b`,
  "giu",
);
const atLength =
  /(?<!\b(?:how|as|so|too|no|before|for|all|day|night|week|year) )\blong\b(?![- ](?:ago|as|term|time)\b)|\blonger\b|\b(?:in|with|more) (?:full |great |some )?details?\b|\bdetailed\b|\bat length\b|\bessay\b|\bthorough(?:ly)?\b|\bcomprehensive(?:ly)?\b|\bin depth\b|\bin-depth\b/i;

/**
 * The length that a message asks for, if it asks for one.
 *
 * @example lengthAsked("Write 500 words about rivers") // { words: 500 }
 */
export function lengthAsked(message: string): LengthAsk | undefined {
  const asked = new Map<string, number>();
  const line = message.replace(/\s+/g, " ");
  for (const [, digits, factor, word, unit] of line.matchAll(amount)) {
    const count = digits === undefined ? (larger[(word ?? "").toLowerCase()] ?? 0) : Number(digits.replace(/[,_]/g, "")) * factorOf(factor);
    const kind = (unit ?? "").toLowerCase();
    if (count >= 1 && !asked.has(kind)) asked.set(kind, Math.min(Math.round(count), mostWords));
  }
  const paragraphs = asked.has("paragraph") ? Math.min(asked.get("paragraph") ?? 1, mostParagraphs) : undefined;
  const each = /\beach\b|\bper paragraph\b|\bparagraphs? (?:of|with)\b/i.test(line) ? (paragraphs ?? 1) : 1;
  const unit = units.find((one) => asked.has(one.name));
  if (!unit && !atLength.test(line)) return undefined;
  const words = unit ? (asked.get(unit.name) ?? 0) * unit.words * (unit.words === 1 ? each : 1) : wordsAtLength;
  return { words: Math.min(words, mostWords), ...(paragraphs === undefined ? {} : { paragraphs }) };
}

function factorOf(word: string | undefined): number {
  const factor = word?.toLowerCase();
  return factor === undefined ? 1 : factor === "hundred" ? 100 : 1000;
}
