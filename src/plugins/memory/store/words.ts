/** English words that say nothing of what a text is about; other languages have none left out. */
const functionWords: ReadonlySet<string> = new Set(
  `a about above after again against all am an and any are as at be because been before being below between both but by can could did do does
  doing down during each few for from further had has have having he her here hers him himself his how i if in into is it its itself me might more
  most must my myself need no nor not of off on once only or other our ours out over own same shall she should so some such than that the their theirs
  them themselves then there these they this those through to too under until up upon very was we were what when where which while who whom whose why
  will with would you your yours yourself s t`.split(/\s+/),
);

/** Words that may come or go and leave a fact the same. A negation or a pronoun does not. */
const idleWords: ReadonlySet<string> = new Set("a an the each every that very please also just".split(" "));

/** The most words that a search asks for. */
const mostWords = 24;

function wordsOf(text: string): string[] {
  return (
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}

/** What a query asks for by keywords: its words once each, without those that say nothing, unless it has no others. */
export function keywordsOf(query: string): readonly string[] {
  const words = [...new Set(wordsOf(query))];
  const telling = words.filter((word) => !functionWords.has(word));
  return (telling.length > 0 ? telling : words).slice(0, mostWords);
}

/** A text without what makes no difference to a fact: case, punctuation, space, articles. */
export function plainWords(text: string): string {
  const words = wordsOf(text.normalize("NFKD").replaceAll(/\p{M}/gu, ""));
  const telling = words.filter((word) => !idleWords.has(word));
  return (telling.length > 0 ? telling : words).join(" ") || text.trim();
}
