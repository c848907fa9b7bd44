import { hash } from "node:crypto";
import { lengthAsked } from "./length.ts";
import { rememberedIn } from "./memory.ts";
import { parsed } from "./mentions.ts";
import { prose, topicOf } from "./prose.ts";
import { summaryOf } from "./summary.ts";
import { freshResults, isRecord, lastUserFiles, lastUserText, type SimulatedRequest, type ToolResult } from "./request.ts";

/** What every text of the simulated model starts with. */
export const simulatedPrefix = "[simulated] ";

const questions = [
  "You asked {m} A real model would answer that here; this one only shows that your question arrived.",
  "Your question was {m} No model provider is connected, so take this reply as a stand-in for its answer.",
  "{m} is a fair question. I am a simulated model: I can repeat it and call your tools, but I know nothing of my own.",
] as const;

const statements = [
  "You wrote {m} A real model would take it from here; this one only shows that your message arrived.",
  "I read {m} No model provider is connected, so take this reply as a stand-in for its answer.",
  "Noted: {m} I am a simulated model: I can repeat it and call your tools, but I know nothing of my own.",
] as const;

const longest = { quote: 80, result: 400 } as const;

/** The text that answers a request without calling a tool. */
export function replyText(request: SimulatedRequest, nameOf: (tool: string) => string): string {
  const message = lastUserText(request);
  const summary = summaryOf(request, (text) => shortened(text, longest.quote));
  if (summary !== undefined) return simulatedPrefix + summary;
  const results = freshResults(request);
  const asked = lengthAsked(message);
  const remembered = results.length === 0 && message.endsWith("?") ? rememberedIn(request) : undefined;
  if (remembered !== undefined) return `${simulatedPrefix}${roleOf(request)}I remember: “${shortened(remembered, longest.result)}”`;
  const report = results.length > 0 ? reportOf(results, nameOf) : undefined;
  const long = asked ? prose(topicOf(message), asked, `${request.model}\n${message}`) : undefined;
  if (report !== undefined) return simulatedPrefix + (long === undefined ? report : `${report}\n\n${long}`);
  return simulatedPrefix + roleOf(request) + (long ?? filesReply(request, message) ?? shortReply(request, message));
}

/** What came with the message, since nothing here can look into it. */
function filesReply(request: SimulatedRequest, message: string): string | undefined {
  const files = lastUserFiles(request).map(({ name, mediaType, size }) => `${name ?? "a picture"} (${mediaType}, ${size} bytes)`);
  if (files.length === 0) return undefined;
  const got = `I got ${listOf(files)}, and cannot look into ${files.length === 1 ? "it" : "them"}.`;
  return message === "" ? got : `You wrote ${quoted(message)} ${got}`;
}

/** Thoughts that lead to an answer, for callers that ask to see them. */
export function reasoningText(request: SimulatedRequest, tools: readonly string[]): string {
  const message = lastUserText(request);
  const read = message === "" ? "There is no user message." : `The user says ${quoted(message)}`;
  const results = freshResults(request).length;
  const next =
    tools.length > 0
      ? `The message names ${listOf(tools)}, so I call ${tools.length === 1 ? "it" : "them"}.`
      : results > 0
        ? `I have ${results === 1 ? "a tool result" : `${results} tool results`}, so I report what came back.`
        : "It names no tool that is left to call, so I answer directly.";
  return `${read} ${next}`;
}

function shortReply(request: SimulatedRequest, message: string): string {
  if (message === "") return "There is no message to answer yet. Send one, and I will reply to it.";
  if (/^(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b[^?]{0,30}$/i.test(message)) {
    return `Hello! You wrote ${quoted(message)} I am a simulated model, so my part is to greet you back.${offer(request)}`;
  }
  const forms = message.endsWith("?") ? questions : statements;
  const form = forms[Number.parseInt(hash("sha256", message, "hex").slice(0, 6), 16) % forms.length] ?? forms[0];
  return form.replace("{m}", () => quoted(message)) + offer(request);
}

function quoted(message: string): string {
  const text = shortened(message, longest.quote);
  return `“${text}”${/[.!?…]$/.test(text) ? "" : "."}`;
}

function offer(request: SimulatedRequest): string {
  // Without their names: in a chain of agents this text becomes the next one's message, and a name would call the tool.
  const count = request.toolChoice.mode === "none" ? 0 : request.tools.length;
  return count === 0 ? "" : count === 1 ? " Name my tool and I will call it." : ` Name one of my ${count} tools and I will call it.`;
}

function roleOf(request: SimulatedRequest): string {
  for (const turn of request.turns) {
    const role = turn.role === "system" ? /^\s*You are ((?:an? |the )?[^.,;:\n]{1,60})/.exec(turn.text)?.[1] : undefined;
    if (role !== undefined && !/\bassistant$/i.test(role.trim())) return `Speaking as ${role.trim()}: `;
  }
  return "";
}

function reportOf(results: readonly ToolResult[], nameOf: (tool: string) => string): string {
  const sentences = results.map((result) => {
    const { outcome, says } = outcomeOf(result.text);
    const text = shortened(says, longest.result);
    return `${nameOf(result.name)} ${outcome}${text === "" ? " without a word." : `: ${/[.!?…]$/.test(text) ? text : `${text}.`}`}`;
  });
  return sentences.length === 1 ? (sentences[0] ?? "") : `The tools came back.\n${sentences.map((sentence) => `- ${sentence}`).join("\n")}`;
}

function outcomeOf(text: string): { readonly outcome: string; readonly says: string } {
  const value = parsed(text);
  if (typeof value === "string") return outcomeOf(value);
  if (isRecord(value)) {
    const status = String(value["status"] ?? "").toLowerCase();
    const error = value["error"] ?? undefined;
    const said = isRecord(error) ? error["message"] : typeof error === "string" ? error : (value["message"] ?? value["reason"]);
    const says = typeof said === "string" ? said : text;
    if (/^(?:denied|declined|rejected)$/.test(status) || value["denied"] === true) return { outcome: "was denied", says };
    if (/^cancell?ed$/.test(status)) return { outcome: "was cancelled", says };
    if (status === "error" || status === "failed" || (error !== undefined && error !== false)) {
      return { outcome: startsDenied(says) ? "was denied" : "failed", says };
    }
    return { outcome: "answered", says: text };
  }
  if (startsDenied(text)) return { outcome: "was denied", says: text };
  return { outcome: /^\W*(?:error|failed|failure|exception)\b/i.test(text) ? "failed" : "answered", says: text };
}

function startsDenied(text: string): boolean {
  return /^\W*(?:\S+\s+){0,6}?(?:denied|declined|rejected|not approved)\b/i.test(text.slice(0, 200));
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** A text on one line, cut at a word when it is too long. */
function shortened(text: string, most: number): string {
  const line = text
    .slice(0, most * 4)
    .replace(/\s+/g, " ")
    .trim();
  const signs = [...line];
  if (signs.length <= most) return line;
  const cut = signs.slice(0, most - 1).join("");
  const space = cut.lastIndexOf(" ");
  return `${(space > most / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
