import { parsed } from "./mentions.ts";
import { isRecord, type OfferedTool, type SimulatedRequest } from "./request.ts";

/** The first record of the memory that the request shows: the one that fits best. */
export function rememberedIn({ turns }: SimulatedRequest): string | undefined {
  for (const turn of turns) {
    if (turn.role !== "system" || !turn.text.includes("<memory>")) continue;
    for (const line of turn.text.slice(turn.text.indexOf("<memory>")).split("\n").slice(1)) {
      const record = parsed(line);
      if (isRecord(record) && typeof record["text"] === "string") return record["text"];
    }
  }
  return undefined;
}

/** What a message asks to remember, as in `Remember that she likes tea.`, where there is a tool to remember it with. */
export function toRemember(
  message: string,
  tools: readonly OfferedTool[],
): { readonly name: string; readonly arguments: string } | undefined {
  const tool = tools.find(({ name }) => /^memory[._]remember$/.test(name));
  const fact = /^(?:please )?remember(?: this| that)?[\s:,]+(\S.*)$/is.exec(message)?.[1]?.trim();
  return tool && fact !== undefined ? { name: tool.name, arguments: JSON.stringify({ text: fact }) } : undefined;
}
