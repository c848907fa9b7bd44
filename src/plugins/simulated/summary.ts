import { parsed } from "./mentions.ts";
import { isRecord, lastUserText, type SimulatedRequest } from "./request.ts";

/** How many of the newest messages are named. */
const mostMessages = 12;

/** A request to summarize a conversation, which follows as JSON lines, is answered with the beginnings of what the user said. */
export function summaryOf(request: SimulatedRequest, shortened: (text: string) => string): string | undefined {
  const [first] = request.turns;
  if (first?.role !== "system" || !/^\s*Summarize\b/i.test(first.text)) return undefined;
  const lines = lastUserText(request).split("\n").map(parsed).filter(isRecord);
  const said = lines.flatMap((line) =>
    ["summaryOfEarlierMessages", "user"].flatMap((name) => (typeof line[name] === "string" ? [line[name]] : [])),
  );
  if (said.length === 0) return undefined;
  return `The user said: ${said
    .slice(-mostMessages)
    .map((text) => `“${shortened(text)}”`)
    .join(" ")}`;
}
