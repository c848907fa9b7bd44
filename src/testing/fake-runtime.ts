import { z } from "zod";
import type { PluginEntry } from "../core/kernel/spec.ts";
import { definePlugin } from "../core/plugin.ts";
import type { RunEventBody } from "../core/runs/events.ts";
import { runtimes, type AgentRuntime, type RunContext, type RunRequest, type RuntimeFeatures } from "../core/runs/runtime.ts";

/** One turn of an agent, written by a test: yields what the agent says, and throws what goes wrong. */
export type FakeTurn = (request: RunRequest, ctx: RunContext) => AsyncIterable<RunEventBody>;

/** What a {@link fakeRuntime} does. */
export interface FakeRuntimeOptions {
  readonly turn: FakeTurn;
  /** The framework's id, and the plugin's; `fake` by default. */
  readonly id?: string;
  /** What it declares not to do, or to do; everything by default. */
  readonly features?: Partial<RuntimeFeatures>;
}

const everything: RuntimeFeatures = {
  streaming: true,
  tools: true,
  interrupts: true,
  resume: true,
  steps: true,
  state: true,
  structuredOutput: true,
  usage: true,
  files: true,
};

/**
 * A framework whose turns a test writes. It stands beside the real plugins: agents with `framework: "fake"` run on it.
 *
 * @example
 * async function* turn(request: RunRequest, ctx: RunContext) {
 *   yield* sayText("Hello.");
 * }
 * await using app = await testPlatform({ plugins: [models(), simulated(), capabilities(), agents(), fakeRuntime({ turn })] });
 */
export function fakeRuntime({ turn, id = "fake", features = {} }: FakeRuntimeOptions): PluginEntry {
  const runtime: AgentRuntime = {
    id,
    features: { ...everything, ...features },
    options: z.record(z.string(), z.unknown()),
    optionsSchema: { type: "object" },
    status: () => ({ mode: "LIVE" }),
    models: () => [],
    stream: (request, ctx) => turn(request, ctx),
  };
  return definePlugin({
    id,
    kind: "FRAMEWORK",
    description: "A framework whose turns a test writes.",
    setup: ({ contribute }) => {
      contribute(runtimes, id, runtime);
      return {};
    },
  })();
}

/** How {@link sayText} says it. */
export interface SayOptions {
  /** Names the message and its step, apart from others of the turn; `1` by default. */
  readonly key?: string;
  /** Milliseconds before each word. */
  readonly pauseMs?: number;
  /** Ends the pauses. */
  readonly signal?: AbortSignal;
}

/** One model call of a {@link FakeTurn} that answers with this text, a word at a time. */
export async function* sayText(text: string, { key = "1", pauseMs = 0, signal }: SayOptions = {}): AsyncGenerator<RunEventBody> {
  const step = `model/${key}`;
  const words = text.match(/\S+\s*/g) ?? [];
  yield { kind: "step.started", step, name: "fake", stepKind: "MODEL" };
  yield { kind: "message.started", message: key };
  for (const word of words) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    signal?.throwIfAborted();
    yield { kind: "message.delta", message: key, part: 0, channel: "TEXT", text: word };
  }
  yield { kind: "message.finished", message: key, status: "COMPLETE" };
  yield { kind: "usage.recorded", step, provider: "fake", model: "fake", inputTokens: 1, outputTokens: words.length, estimated: true };
  yield { kind: "step.finished", step, status: "SUCCEEDED" };
}
