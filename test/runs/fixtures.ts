import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import {
  contribution,
  definePlugin,
  modelService,
  runService,
  runTargets,
  runtimes,
  streamService,
  toolRegistry,
  type AgentRuntime,
  type LoggedEvent,
  type Run,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type StartRun,
  type ToolDefinition,
  type Viewer,
} from "#weftline";
import { createPlatform, type Platform } from "../../src/core/platform.ts";
import { faultInjections } from "../../src/core/runs/failpoint.ts";
import { engineService } from "../../src/core/runs/plugin.ts";

export const alice: Viewer = { tenantId: "acme", actorId: "alice", name: "Alice", roles: [] };

/** One turn of an agent, written by a test. */
export type Turn = (request: RunRequest, ctx: RunContext) => AsyncIterable<RunEventBody>;

export interface Cast {
  turn: Turn;
  readonly tools?: readonly ToolDefinition[];
  readonly resume?: "yes" | "no";
  /** How many runs are advanced side by side. */
  readonly concurrency?: number;
}

/** A plugin with one agent whose turns a test writes. `turn` may be exchanged between turns. */
export function castPlugin(cast: Cast) {
  const runtime: AgentRuntime = {
    id: "scripted",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: cast.resume !== "no",
      steps: true,
      state: true,
      structuredOutput: true,
      usage: true,
    },
    options: z.object({}),
    optionsSchema: {},
    status: () => ({ mode: "LIVE" }),
    models: () => [],
    stream: (request, ctx) => cast.turn(request, ctx),
  };
  const tools = cast.tools ?? [];
  return definePlugin({
    id: "scripted",
    provides: { models: modelService, registry: toolRegistry },
    contributes: [
      ...(cast.concurrency === undefined
        ? []
        : [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { concurrency: cast.concurrency } })]),
      contribution(runtimes, "scripted", runtime),
      contribution(runTargets, "Agent", {
        typeName: "Agent",
        startable: { inputField: "agent", find: async () => ({ id: "weaver", name: "Weaver", version: 1 }) },
        program: async () => ({
          agent: { id: "weaver", name: "Weaver", version: 1 },
          framework: "scripted",
          capabilities: tools.map(({ name }) => name),
          options: {},
        }),
        load: async () => null,
      }),
    ],
    setup: () => ({
      models: {
        resolve: () => ({
          id: "local",
          provider: "local",
          model: "scripted",
          provenance: "SIMULATED" as const,
          api: "chat" as const,
          baseURL: "http://localhost/v1",
          apiKey: () => "",
          timeoutMs: 1_000,
        }),
        list: () => [],
        status: () => ({ mode: "LIVE" as const }),
      },
      registry: {
        resolve: (names: readonly string[]) => tools.filter(({ name }) => names.includes(name)),
        find: (name: string) => tools.find((tool) => tool.name === name),
        ofTenant: async () => [],
        settled: () => undefined,
        judge: ({ approval }: ToolDefinition) => (approval === "NEVER" ? { ask: false as const } : { ask: true as const }),
        approvers: ({ approvers }: ToolDefinition) => approvers,
        policyProblems: async () => [],
        check: (_: unknown, args: unknown) => (typeof args === "object" && args !== null ? [] : [{ path: [], message: "must be object" }]),
        checkSchema: () => [],
        schemaProblem: () => undefined,
      },
    }),
  });
}

/** A host with one scripted agent, and the verbs that tests of runs use. */
export async function bootRuns(cast: Cast, dataDir: string = mkdtempSync(join(tmpdir(), "weftline-runs-"))) {
  const plugin = castPlugin(cast);
  const platform = await createPlatform({ plugins: [plugin()], dataDir, logLevel: "silent" });
  return runsHarness(platform, dataDir);
}

export function runsHarness(platform: Platform, dataDir: string) {
  const runs = platform.use(runService);
  const streams = platform.use(streamService);
  const request: StartRun = { targetType: "Agent", target: { id: "weaver", name: "Weaver", version: 1 }, trigger: "API", text: "Weave." };
  const start = (more: Partial<StartRun> = {}, viewer = alice): Promise<Run> => {
    const scope = platform.scope(viewer);
    return scope.write((tx) => runs.start(scope, tx, { ...request, ...more }));
  };
  const find = (id: string): Promise<Run> => runs.find(platform.scope(alice), id);
  return {
    platform,
    runs,
    streams,
    dataDir,
    engine: platform.use(engineService),
    start,
    find,
    /** Opens a stream as a thread's. */
    openThread: (id = crypto.randomUUID()) =>
      platform.scope(alice).write(async (tx) => {
        const stream = await streams.open(tx, { id, kind: "THREAD", tenantId: alice.tenantId, ownerId: alice.actorId });
        return { id, streamNum: stream.num };
      }),
    /** All events of a run, from the log and live, until it ends. */
    events: async (run: Run, after = 0): Promise<LoggedEvent[]> =>
      Array.fromAsync(await streams.follow({ streamNum: run.streamNum, after, runId: run.id })),
    /** What stands in the log of a stream. */
    rows: (streamNum: number) =>
      platform.database.read.all<{ seq: number; kind: string; run_seq: number | null; payload: string }>(
        "select seq, kind, run_seq, payload from runs_event where stream_num = ? order by seq",
        streamNum,
      ),
    until: async (id: string, status: Run["status"]): Promise<Run> => {
      for (let tries = 0; tries < 400; tries++) {
        const run = await find(id);
        if (run.status === status) return run;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`the run did not become ${status}: it is ${(await find(id)).status}`);
    },
    interrupts: () =>
      platform.database.read.all<{
        id: string;
        kind: string;
        status: string;
        arguments_hash: string;
        run_id: string;
        tool_name: string | null;
        tool_call_id: string | null;
      }>("select id, kind, status, arguments_hash, run_id, tool_name, tool_call_id from runs_interrupt order by created_at"),
    decide: (decision: Parameters<typeof runs.decide>[1], viewer = alice) => runs.decide(platform.scope(viewer), decision),
    close: async () => {
      await platform.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: async () => {
      await platform.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** An answer of some words, one delta each. */
export async function* say(words: readonly string[], pauseMs = 0, key = "1"): AsyncGenerator<RunEventBody> {
  yield { kind: "step.started", step: `model/${key}`, name: "scripted", stepKind: "MODEL" };
  yield { kind: "message.started", message: key };
  for (const text of words) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    yield { kind: "message.delta", message: key, part: 0, channel: "TEXT", text };
  }
  yield { kind: "message.finished", message: key, status: "COMPLETE" };
  yield { kind: "usage.recorded", step: `model/${key}`, provider: "local", model: "scripted", inputTokens: 2, outputTokens: words.length };
  yield { kind: "step.finished", step: `model/${key}`, status: "SUCCEEDED" };
}

/** A turn that asks for one call, waits for its outcome, and says what came of it. */
export const callOnce = (name: string, args: Record<string, unknown>): Turn =>
  async function* (request, ctx) {
    const last = request.messages.at(-1);
    const asked = last?.role === "ASSISTANT" ? last.toolCalls : [];
    if (asked.length === 0) {
      yield { kind: "step.started", step: "model/1", name: "scripted", stepKind: "MODEL" };
      yield { kind: "message.started", message: "ask" };
      ctx.toolRequested({ callId: "call_1", name, message: "ask", part: 0 });
      ctx.toolArguments("call_1", JSON.stringify(args));
      yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
      yield { kind: "step.finished", step: "model/1", status: "SUCCEEDED" };
    }
    const [outcome] = await ctx.callTools([{ callId: "call_1", name, arguments: asked[0]?.arguments ?? args }]);
    yield* say(
      [outcome?.status === "SUCCESS" ? `It says ${JSON.stringify(outcome.result)}.` : `It did not: ${outcome?.status} ${outcome?.error}`],
      0,
      "2",
    );
  };

/** A tool that counts its effects. */
export function countingTool(more: Partial<ToolDefinition> = {}) {
  const calls: { readonly args: unknown; readonly key: string }[] = [];
  const tool: ToolDefinition = {
    name: "loom.weave",
    description: "Weaves.",
    inputSchema: { type: "object" },
    sideEffects: "EXTERNAL",
    approval: "NEVER",
    idempotent: false,
    timeoutMs: 2_000,
    execute: (args: never, { idempotencyKey }) => {
      calls.push({ args, key: idempotencyKey });
      return { woven: calls.length };
    },
    ...more,
  };
  return { tool, calls };
}
