import { hash } from "node:crypto";
import type { LengthAsk } from "./length.ts";

const aspects = [
  "its origins",
  "the people behind it",
  "its everyday use",
  "the cost of it",
  "its history",
  "the language used for it",
  "its place in daily life",
  "the tools it depends on",
  "its limits",
  "the rules around it",
  "its effect on others",
  "the way it is taught",
  "its smaller details",
  "its future",
  "the first steps towards it",
  "the mistakes made with it",
  "its quieter side",
  "the time it takes",
  "the choices it asks for",
  "its neighbours and rivals",
  "the evidence for it",
  "its reputation",
  "the work of keeping it going",
  "the questions it leaves open",
] as const;

const openers = [
  "Consider {a} first when you look at {t}.",
  "Any account of {t} sooner or later comes to {a}.",
  "There is more to say about {a} than most descriptions of {t} allow.",
  "With {t}, it helps to look closely at {a}.",
  "A different view of {t} opens up through {a}.",
  "Those who know {t} well often begin with {a}.",
  "Turning to {a}, the picture of {t} becomes more {q}.",
  "It would be a mistake to talk about {t} and leave out {a}.",
  "Much of what is {q} about {t} shows in {a}.",
  "Let us stay with {t} for a moment and ask about {a}.",
] as const;

const bodies = [
  "What looks {q} from a distance turns out to be {r} once it is seen at work.",
  "Small changes here tend to have {q} effects later, and not always where they were expected.",
  "One careful observer would call it {q}; another, with the same facts, would call it {r}.",
  "The pattern is {q}, yet it repeats often enough to be worth writing down.",
  "In practice, people settle on a {q} habit and improve it a little every season.",
  "None of this happens quickly, and the {q} parts usually take the longest.",
  "A short example makes the point: change one thing, keep the rest, and compare the two results.",
  "The reasons are partly {q} and partly a matter of what was at hand at the time.",
  "Seen this way, the {q} result is not a surprise but the sum of many plain decisions.",
  "That is why a {q} beginning matters more than a {r} plan.",
  "Numbers help, but only when someone says clearly what was counted and what was left out.",
  "It is easy to praise the {q} side and to forget how much it owes to the {r} one.",
  "When two explanations compete, the more {q} one deserves the first test.",
  "Experience suggests a simple rule, which is to measure before and after, and to keep notes.",
  "Others have tried the opposite, with results that were {q} at first and {r} in the end.",
  "The difference is {q} enough to notice and small enough to ignore, which is how it survives.",
  "Nobody planned it so, but the parts came to fit each other in a {q} way.",
  "A patient reader will notice how one {q} detail explains three or four others.",
  "The {q} cases teach the most, because they show where the ordinary ones hide their effort.",
  "It follows that help should come early, be {q}, and stop when it is no longer needed.",
  "What remains is a {q} balance between effort and reward.",
  "There are exceptions, of course, and the {r} ones deserve a page of their own.",
  "For a newcomer this can feel {q}, although the feeling passes with a little practice.",
  "Over the years the {q} version has outlived several that were only {r}.",
] as const;

const closers = [
  "So much for that part; it prepares the next.",
  "This is a good place to pause and to compare notes.",
  "The next point builds on it.",
  "Kept in mind, this makes the rest easier to follow.",
  "That, in brief, is the {q} heart of the matter.",
  "From here the path to the remaining questions is {q}.",
  "The lesson is {q}, and it is easily tested.",
  "Few things repay attention as reliably.",
] as const;

// All of these follow "a", never "an".
const qualities = [
  "simple",
  "careful",
  "practical",
  "modest",
  "steady",
  "familiar",
  "surprising",
  "slow",
  "visible",
  "useful",
  "clear",
  "quiet",
  "reliable",
  "delicate",
  "frank",
  "local",
  "shared",
  "plain",
  "thoughtful",
  "lasting",
  "rugged",
  "gradual",
  "direct",
  "generous",
] as const;

const contrasts = [
  "complicated",
  "hurried",
  "fragile",
  "costly",
  "fashionable",
  "clever",
  "distant",
  "loud",
  "strict",
  "bold",
  "rare",
  "tangled",
] as const;

/**
 * Readable English about a topic, of about the length that is asked for. The same arguments give the same text.
 *
 * @param seed anything that distinguishes two texts about the same topic.
 */
export function prose(topic: string, ask: LengthAsk, seed: string): string {
  const random = generator(seed);
  const pickers = {
    opener: deck(openers, random),
    body: deck(bodies, random),
    closer: deck(closers, random),
    aspect: deck(aspects, random),
  };
  const quality = deck(qualities, random);
  const contrast = deck(contrasts, random);
  const count = ask.paragraphs ?? Math.max(1, Math.round(ask.words / 80));
  const paragraphs: string[] = [];
  let written = 0;
  for (let index = 0; index < count; index += 1) {
    const goal = Math.round(((index + 1) * ask.words) / count);
    const sentences: string[] = [];
    for (;;) {
      const kind = sentences.length === 0 ? "opener" : goal - written < 14 && sentences.length > 2 ? "closer" : "body";
      const sentence = pickers[kind]().replace(/\{(\w)\}/g, (_, slot) =>
        slot === "t" ? topic : slot === "a" ? pickers.aspect() : slot === "q" ? quality() : contrast(),
      );
      const words = wordCount(sentence);
      if (sentences.length > 0 && Math.abs(written + words - goal) > Math.abs(written - goal)) break;
      sentences.push(sentence);
      written += words;
    }
    paragraphs.push(sentences.join(" "));
  }
  return paragraphs.join("\n\n");
}

function wordCount(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

/** The topic of a message, in a few of its own words. */
export function topicOf(message: string): string {
  const line = message.slice(0, 1000).replace(/\s+/g, " ").trim();
  const subject = /\b(?:about|on|regarding|explain|describe|discuss|what (?:is|are))\s+(.+?)(?:[.?!;:](?:\s|$)|$)/i.exec(line)?.[1] ?? "";
  const topic = subject
    .replace(
      /,?\s*\b(?:in|with|of|using|at)\s+(?:(?:full|great|more|some)\s+)?(?:details?|depth|length|about\s+[\d,]+|[\d,]+|one|two|three|four|five|six|seven|eight|nine|ten)\b.*$/i,
      "",
    )
    .replace(/^(?:me\s+)?/i, "")
    .trim();
  return topic === "" || topic.length > 60 ? "this subject" : topic;
}

/** Deals the items in a shuffled order, all of them before any comes again. */
function deck(items: readonly string[], random: () => number): () => string {
  let left: string[] = [];
  return () => {
    if (left.length === 0) left = [...items];
    const [item] = left.splice(Math.floor(random() * left.length), 1);
    return item ?? "";
  };
}

/** mulberry32: a small generator whose numbers depend on the seed alone. */
function generator(seed: string): () => number {
  let state = Number.parseInt(hash("sha256", seed, "hex").slice(0, 8), 16);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
