import type { PluginEntry } from "../core/kernel/spec.ts";
import { definePlugin } from "../core/plugin.ts";
import { modelBindings } from "../plugins/models/contract.ts";
import type { Answer } from "../plugins/simulated/answer.ts";
import { pause } from "../plugins/simulated/pace.ts";
import { freshResults, lastUserText, type SimulatedRequest } from "../plugins/simulated/request.ts";
import { chatBody, chatRequest } from "../plugins/simulated/wire/chat-request.ts";
import { problemResponse } from "../plugins/simulated/wire/exchange.ts";
import { createSimulatedFetch } from "../plugins/simulated/wire/fetch.ts";
import { responsesBody, responsesRequest } from "../plugins/simulated/wire/responses-request.ts";

/** A call that a scripted model asks for. */
export interface ScriptedCall {
  /** The tool, by its name in Weftline. */
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** What a scripted model does when it is asked. */
export interface ScriptedAnswer {
  /** Which last user messages it is for: those that hold this text, or match this; all by default. */
  readonly match?: string | RegExp;
  /** What it says, or what it makes of the last user message. */
  readonly reply?: string | ((said: string) => string);
  /** What it wants called. Once these tools have answered, the next entry that matches goes on. */
  readonly toolCalls?: readonly ScriptedCall[];
  /** Milliseconds until it answers. */
  readonly delayMs?: number;
  /** It fails: with a status and words of the provider, or in the middle of its answer. */
  readonly fail?: { readonly status: number; readonly message?: string; readonly code?: string } | "truncated";
}

/** Where a scripted model stands. */
export interface ScriptModelOptions {
  /** Its binding; `script` by default. Agents name it `script/default`, or `models({ default: "script" })` makes it everybody's. */
  readonly id?: string;
  /** Which of OpenAI's APIs it speaks; `responses` by default. */
  readonly api?: "responses" | "chat";
  /** Tokens a second; full speed by default. */
  readonly tokensPerSecond?: number;
}

/**
 * A model that answers by a script, over OpenAI's wire protocol: the real SDKs talk to it. The first entry that matches answers; without
 * one the request is refused with status 400.
 *
 * @example
 * const model = scriptModel([
 *   { match: "weather", toolCalls: [{ name: "weather.get", arguments: { city: "Rome" } }] },
 *   { match: "weather", reply: "It is sunny." },
 * ]);
 * await using app = await testPlatform({ plugins: [models({ default: "script" }), model, openai(), agents()] });
 */
export function scriptModel(script: readonly ScriptedAnswer[], options: ScriptModelOptions = {}): PluginEntry {
  const { id = "script", api = "responses", tokensPerSecond = 0 } = options;
  return definePlugin({
    id,
    description: "A model that answers by a script.",
    setup: ({ contribute }) => {
      contribute(modelBindings, id, {
        provider: id,
        provenance: "SIMULATED",
        api,
        baseURL: `http://${id}.invalid/v1`,
        apiKey: () => "scripted",
        fetch: scriptedFetch(script, tokensPerSecond),
        timeoutMs: 60_000,
        models: ["default"],
        otherModels: "allowed",
        defaultModel: "default",
      });
      return {};
    },
  })();
}

/** What stands behind a {@link scriptModel}. */
export function scriptedFetch(script: readonly ScriptedAnswer[], tokensPerSecond: number): typeof fetch {
  return async (input, init) => {
    const sent = new Request(input, init);
    const body = await sent.clone().text();
    const request = requestOf(new URL(sent.url).pathname, body);
    const chosen = request && script.find((each) => answers(each, request));
    if (!request || !chosen) return problemResponse({ status: 400, message: "The script has no answer to this." }, {});
    await pause(chosen.delayMs ?? 0, sent.signal);
    const { fail } = chosen;
    if (typeof fail === "object") return problemResponse({ message: "The script fails here.", ...fail }, {});
    const whole = await createSimulatedFetch({ tokensPerSecond, answer: () => answerOf(chosen, request) })(sent);
    return fail === "truncated" ? truncated(whole) : whole;
  };
}

function requestOf(path: string, body: string): SimulatedRequest | undefined {
  const json: unknown = JSON.parse(body);
  if (path.endsWith("/responses")) return responsesRequest(responsesBody.parse(json));
  return path.endsWith("/chat/completions") ? chatRequest(chatBody.parse(json)) : undefined;
}

function answers({ match = "", toolCalls = [] }: ScriptedAnswer, request: SimulatedRequest): boolean {
  const text = lastUserText(request);
  if (typeof match === "string" ? !text.includes(match) : !match.test(text)) return false;
  const answered = new Set(freshResults(request).map(({ name }) => name));
  return toolCalls.length === 0 || toolCalls.some(({ name }) => !answered.has(wireName(name, request)));
}

function answerOf({ reply = "", toolCalls = [] }: ScriptedAnswer, request: SimulatedRequest): Answer {
  const calls = toolCalls.map(({ name, arguments: args }) => ({ name: wireName(name, request), arguments: JSON.stringify(args) }));
  return {
    text: typeof reply === "string" ? reply : reply(lastUserText(request)),
    toolCalls: calls,
    finish: calls.length > 0 ? "tools" : "stop",
  };
}

/** Adapters write names as their provider takes them. */
function wireName(name: string, { tools }: SimulatedRequest): string {
  const plain = (text: string): string => text.replaceAll(/[^a-z0-9]/gi, "_");
  return tools.find((tool) => plain(tool.name) === plain(name))?.name ?? name;
}

/** The first half of an answer, as from a connection that ended too soon. */
async function truncated(whole: Response): Promise<Response> {
  const text = await whole.text();
  return new Response(text.slice(0, Math.floor(text.length / 2)), { status: whole.status, headers: whole.headers });
}
