import { toRemember } from "./memory.ts";
import { mentionsOf, valuesFor, type Mention } from "./mentions.ts";
import { reasoningText, replyText, simulatedPrefix } from "./reply.ts";
import { freshResults, lastUserText, type OfferedTool, type SimulatedRequest } from "./request.ts";
import { sampleOf } from "./sample.ts";
import { charactersPerToken } from "./tokens.ts";

/** A tool call of an answer. */
interface PlannedCall {
  readonly name: string;
  /** A JSON object. */
  readonly arguments: string;
}

/** What the simulated model says. It calls tools or it writes, never both at once. */
export interface Answer {
  /** Empty when tools are called. */
  readonly text: string;
  readonly toolCalls: readonly PlannedCall[];
  readonly reasoning?: string;
  /** Why the answer ends; `length` where the caller's token limit cut it. */
  readonly finish: "stop" | "length" | "tools";
}

/** Decides what is said to a request. */
export type Answerer = (request: SimulatedRequest) => Answer;

/**
 * Answers a request. The same request always gets the same answer.
 *
 * Tools that the last user message names are called with arguments made from that message and the tool's schema; their results are then
 * reported. What it asks to remember is remembered, where there is a tool for it, and a question is answered from the memory that it is shown. Of other agents it asks also those that its instructions name, one after the other. Without a tool to call it writes: a short reply that
 * quotes the message, or prose of the length that the message asks for.
 */
export function answerTo(request: SimulatedRequest): Answer {
  const message = lastUserText(request);
  const mentions = mentionsOf(message, request.tools);
  const toolCalls = planned(request, mentions, message);
  const names = new Map([...colleaguesOf(request), ...mentions].map((mention) => [mention.tool.name, mention.said]));
  const nameOf = (tool: string): string => names.get(tool) ?? tool;
  const reasoning = request.reasons
    ? {
        reasoning: reasoningText(
          request,
          toolCalls.map((call) => nameOf(call.name)),
        ),
      }
    : {};
  if (toolCalls.length > 0) return { text: "", toolCalls, finish: "tools", ...reasoning };
  const reply = replyText(request, nameOf);
  const whole = request.format.kind === "json" ? jsonText(request, reply) : reply;
  const text = request.maxTokens === undefined ? whole : cut(whole, request.maxTokens * charactersPerToken);
  return { text, toolCalls, finish: text.length < whole.length ? "length" : "stop", ...reasoning };
}

function planned(request: SimulatedRequest, mentions: readonly Mention[], message: string): readonly PlannedCall[] {
  const choice = request.toolChoice;
  const done = new Set(freshResults(request).map((result) => result.name));
  const call = (tool: OfferedTool): PlannedCall => ({ name: tool.name, arguments: argumentsFor(tool, mentions, message) });
  if (choice.mode === "none") return [];
  if (choice.mode === "tool")
    return request.tools
      .filter((tool) => tool.name === choice.name)
      .slice(0, 1)
      .map(call);
  const named = mentions.map((mention) => mention.tool).filter((tool) => !done.has(tool.name));
  if (named.length > 0) return named.slice(0, request.mostCalls).map(call);
  const fact = toRemember(message, request.tools);
  if (fact && !done.has(fact.name)) return [fact];
  if (choice.mode === "auto") return colleagueToAsk(request, message, done);
  const forced = request.tools.find((tool) => !done.has(tool.name)) ?? request.tools[0];
  return forced ? [call(forced)] : [];
}

/** Other agents that the instructions name, in their order. */
function colleaguesOf({ turns, tools }: SimulatedRequest): readonly Mention[] {
  const agents = tools.filter(({ name }) => ofAgent.test(name));
  if (agents.length === 0) return [];
  return mentionsOf(turns.flatMap((turn) => (turn.role === "system" ? [turn.text] : [])).join("\n"), agents);
}

const ofAgent = /^agent[._]/;

/** The next of them that has not answered: it is given the message, and what the one before it said. */
function colleagueToAsk(request: SimulatedRequest, message: string, done: ReadonlySet<string>): readonly PlannedCall[] {
  const next = message === "" ? undefined : colleaguesOf(request).find(({ tool }) => !done.has(tool.name))?.tool;
  if (!next) return [];
  const said = freshResults(request).findLast(({ name }) => ofAgent.test(name))?.text;
  const prose = said === undefined ? message : `${message}\n\n${said}`;
  const sources = { text: "", quoted: [], numbers: [], prose, plain: "example" };
  return [{ name: next.name, arguments: JSON.stringify(sampleOf({ type: "object", ...next.parameters }, sources) ?? {}) }];
}

function argumentsFor(tool: OfferedTool, mentions: readonly Mention[], message: string): string {
  const mention = mentions.find((one) => one.tool === tool) ?? { tool, said: "", start: 0, end: 0 };
  const values = valuesFor(mention, mentions, message);
  if (values.object !== undefined) return values.object;
  const prose = values.request === "" ? "example" : values.request;
  return JSON.stringify(sampleOf({ type: "object", ...tool.parameters }, { ...values, prose, plain: "example" }) ?? {});
}

function jsonText(request: SimulatedRequest, reply: string): string {
  const schema = request.format.kind === "json" ? request.format.schema : undefined;
  if (!schema) return JSON.stringify({ answer: reply });
  const plain = simulatedPrefix.trim();
  // What the message says is not searched for values here: the instance is as small as the schema lets it be.
  return JSON.stringify(sampleOf(schema, { text: "", quoted: [], numbers: [], prose: reply, plain }) ?? {});
}

/** The first characters of a text, never half of a surrogate pair. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(0, length);
  return kept.isWellFormed() ? kept : kept.slice(0, -1);
}
