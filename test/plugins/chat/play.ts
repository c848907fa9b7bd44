import { z } from "zod";
import {
  definePlugin,
  purgers,
  runtimes,
  tools,
  type AgentRuntime,
  type Purger,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type ToolDefinition,
} from "#weftline";

/** One turn of the agent of a test. */
export type Turn = (request: RunRequest, ctx: RunContext) => AsyncIterable<RunEventBody>;

/** What the framework `loom` does; changed while it runs. */
export interface Play {
  turn: Turn;
  readonly tools?: readonly ToolDefinition[];
  readonly purged?: Parameters<Purger["purge"]>[1][];
}

/** Says some words, one delta each. */
export async function* say(words: readonly string[], key = "1"): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: key };
  for (const text of words) yield { kind: "message.delta", message: key, part: 0, channel: "TEXT", text };
  yield { kind: "message.finished", message: key, status: "COMPLETE" };
}

/** Repeats what the user said last. */
export const echo: Turn = (request) => {
  const last = request.messages.filter(({ role }) => role === "USER").at(-1);
  const text =
    last && "parts" in last
      ? last.parts.map((part) => (part.type === "text" ? part.text : part.type === "data" ? JSON.stringify(part.data) : part.name)).join("")
      : "nothing";
  return say([`You said: `, text]);
};

/** A turn that says a word and then waits to be let go. */
export function held(words: readonly [string, ...string[]] = ["Wait", " for", " it"]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const turn: Turn = async function* (_, { signal }) {
    const [first, ...rest] = words;
    yield { kind: "message.started", message: "1" };
    yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: first };
    await Promise.race([promise, new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))))]);
    for (const text of rest) yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text };
    yield { kind: "message.finished", message: "1", status: "COMPLETE" };
  };
  return { turn, letGo: resolve };
}

/** A turn that calls a tool, or goes on with the call that it made before it had to wait, and says what came of it. */
export function calling(name: string): Turn {
  return async function* (request, ctx) {
    const last = request.messages.at(-1);
    if (last?.role !== "ASSISTANT" || last.toolCalls.length === 0) {
      yield { kind: "message.started", message: "ask" };
      ctx.toolRequested({ callId: "call_1", name, message: "ask", part: 0 });
      yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
    }
    const [outcome] = await ctx.callTools([{ callId: "call_1", name, arguments: { thread: "red" } }]);
    yield* say([`It gave ${JSON.stringify(outcome)}.`], "2");
  };
}

export function tool(more: Partial<ToolDefinition> = {}): ToolDefinition {
  return {
    name: "loom.weave",
    description: "Weaves.",
    inputSchema: { type: "object" },
    sideEffects: "NONE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 2_000,
    execute: () => ({ woven: 1 }),
    ...more,
  };
}

/** The framework `loom`, which does what the play says. */
export function loom(play: Play) {
  const options = z.strictObject({});
  const runtime: AgentRuntime = {
    id: "loom",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: true,
      structuredOutput: true,
      usage: true,
    },
    options,
    optionsSchema: z.toJSONSchema(options),
    status: () => ({ mode: "LIVE" }),
    models: () => [],
    stream: (request, ctx) => play.turn(request, ctx),
  };
  return definePlugin({
    id: "loom",
    kind: "FRAMEWORK",
    setup: ({ contribute }) => {
      contribute(runtimes, "loom", runtime);
      for (const each of play.tools ?? []) contribute(tools, each.name, each);
      contribute(purgers, "loom", { purge: async (_, what) => void play.purged?.push(what) });
      return {};
    },
  })();
}
