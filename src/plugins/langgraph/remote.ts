import { WeftlineError, hashOf, messageOf, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import { brokeOff } from "#plugins/openai";
import type { RemoteSource } from "./config.ts";
import { nodeFailed } from "./node-failure.ts";
import type { LangGraphOptions } from "./options.ts";
import { lastSaid, tellOutcome } from "./outcome.ts";
import { RemoteAnswers } from "./remote-answers.ts";
import { RemoteEvents, type RemoteChunk } from "./remote-events.ts";
import type { StoredInterrupt } from "./saver.ts";
import type { LangGraphSdk } from "./sdk.ts";
import { answersTo } from "./standing.ts";
import { StatePatches } from "./state-patches.ts";

/** A graph on a LangGraph server. */
export interface RemoteTarget {
  readonly source: RemoteSource;
  readonly graph: string;
}

interface RemoteState {
  readonly values: Readonly<Record<string, unknown>>;
  readonly next: readonly string[];
  readonly tasks: readonly { readonly interrupts: readonly (StoredInterrupt & { readonly interrupt_id?: string })[] }[];
}

interface RemoteRun {
  readonly run_id: string;
  readonly status: string;
}

/** The parts of `RemoteGraph` and its client that are used. */
interface Remote {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  getState(config: object): Promise<RemoteState>;
  readonly client: {
    readonly runs: {
      list(threadId: string): Promise<readonly RemoteRun[]>;
      cancel(threadId: string, runId: string, wait: boolean): Promise<unknown>;
    };
  };
}

/**
 * Runs a graph on a LangGraph server, in a thread there that has the run's id: the server keeps its state, and a run that is taken up again goes on
 * from that.
 */
export async function* runRemote(
  sdk: LangGraphSdk,
  { source, graph }: RemoteTarget,
  request: RunRequest<LangGraphOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const { RemoteGraph } = await import("@langchain/langgraph/remote");
  // Without null the client would look for a key in the environment.
  const remote = new RemoteGraph({
    graphId: graph,
    url: source.url,
    apiKey: source.apiKey ?? (null as unknown as string),
  }) as unknown as Remote;
  const config = { configurable: { thread_id: ctx.runId } };
  const asked = async <T>(ask: () => Promise<T>): Promise<T> =>
    ask().catch((error: unknown) => Promise.reject(remoteError(error, { source, graph }, ctx)));
  const standing = await asked(() => stateOf(remote, config));
  if (standing) await asked(() => cancelRuns(remote, ctx.runId));
  const events = new RemoteEvents(graph, new StatePatches(sdk, standing?.values ?? {}));
  const answers = await RemoteAnswers.open(ctx);
  const begin = standing ? await goOn(sdk, standing, answers, ctx) : inputOf(request);
  if (standing === undefined || standing.next.length > 0)
    yield* speak(sdk, remote, events, begin, { ...config, recursionLimit: ctx.limits.maxSteps }, { source, graph }, ctx);
  yield* events.close();
  const after = await asked(() => stateOf(remote, config));
  const interrupts = interruptsOf(after, answers);
  if (interrupts.length === 0 && after && after.next.length > 0 && (await asked(() => openRuns(remote, ctx.runId))).length > 0)
    throw new WeftlineError("STREAM_TRUNCATED", { provider: new URL(source.url).host, plugin: "langgraph" });
  await answersTo(interrupts, ctx);
  if (interrupts.length > 0) throw new WeftlineError("RUN_SUSPENDED");
  yield* tellOutcome(after?.values ?? {}, request.options.output, events.said ?? lastSaid(request, ctx));
}

async function* speak(
  sdk: LangGraphSdk,
  remote: Remote,
  events: RemoteEvents,
  input: unknown,
  config: object,
  target: RemoteTarget,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const streaming = { ...config, signal: ctx.signal, streamMode: ["messages", "updates", "values", "custom"], subgraphs: true };
  try {
    for await (const chunk of await remote.stream(input, streaming)) yield* events.read(chunk as RemoteChunk);
  } catch (error) {
    if (sdk.graph.isGraphInterrupt(error)) return;
    throw remoteError(error, target, ctx);
  } finally {
    // The server would go on by itself.
    if (ctx.signal.aborted)
      cancelRuns(remote, ctx.runId).catch((error: unknown) =>
        ctx.log.warn({ err: error }, "a run on a LangGraph server was not cancelled"),
      );
  }
}

async function goOn(sdk: LangGraphSdk, standing: RemoteState, answers: RemoteAnswers, ctx: RunContext): Promise<unknown> {
  const interrupts = interruptsOf(standing, answers);
  if (interrupts.length === 0) return null;
  const resume = await answersTo(interrupts, ctx);
  await answers.note(Object.keys(resume));
  return new sdk.graph.Command({ resume });
}

/** Of two questions in one node the server does not say which is the second; they are told apart by what they ask and by what was answered. */
function interruptsOf(state: RemoteState | undefined, answers: RemoteAnswers): StoredInterrupt[] {
  return (state?.tasks ?? []).flatMap(({ interrupts }) =>
    interrupts.map(({ interrupt_id, id = interrupt_id, ...rest }) => ({
      ...rest,
      ...(id === undefined ? {} : { id }),
      question: `${hashOf(rest.value)}/${answers.of(id ?? "")}`,
    })),
  );
}

function inputOf({ input, messages }: RunRequest): Readonly<Record<string, unknown>> {
  const data = (input as { readonly data?: unknown } | null)?.data;
  const given = typeof data === "object" && data !== null && !Array.isArray(data) ? data : {};
  const said = messages.map((message) =>
    message.role === "ASSISTANT"
      ? { role: "assistant", content: message.text }
      : {
          role: message.role === "USER" ? "user" : "system",
          content: message.parts
            .map((part) => (part.type === "text" ? part.text : part.type === "data" ? JSON.stringify(part.data) : ""))
            .join("\n"),
        },
  );
  return { messages: said, ...given };
}

/** Nothing where the thread has not begun. */
async function stateOf(remote: Remote, config: object): Promise<RemoteState | undefined> {
  try {
    return await remote.getState(config);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Ends what a lost process, or this one, has left at work in the thread. */
async function cancelRuns(remote: Remote, threadId: string): Promise<void> {
  const open = await openRuns(remote, threadId);
  await Promise.all(open.map(({ run_id }) => remote.client.runs.cancel(threadId, run_id, true)));
}

async function openRuns(remote: Remote, threadId: string): Promise<readonly RemoteRun[]> {
  const runs = await remote.client.runs.list(threadId);
  return runs.filter(({ status }) => status === "pending" || status === "running");
}

function statusOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "status" in error && typeof error.status === "number" ? error.status : undefined;
}

function remoteError(error: unknown, { source, graph }: RemoteTarget, { signal }: RunContext): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof WeftlineError) return error;
  const status = statusOf(error);
  const provider = new URL(source.url).host;
  const key = source.apiKey;
  const said = messageOf(error).slice(0, 300);
  const problem = key ? said.replaceAll(key, "[secret]") : said;
  const details = { provider, plugin: "langgraph", status, problem };
  if (status === 401 || status === 403) return new WeftlineError("PROVIDER_AUTH", { ...details, retryable: false });
  if (status === 429) return new WeftlineError("PROVIDER_RATE_LIMITED", details);
  if (status !== undefined && status >= 500) return new WeftlineError("PROVIDER_FAILED", details);
  if (status !== undefined) return new WeftlineError("PROVIDER_REJECTED", details);
  if (error instanceof Error && error.name === "RemoteException") return nodeFailed(graph, problem);
  const code = brokeOff(error) ? "CONNECTION_LOST" : "PROVIDER_UNREACHABLE";
  return new WeftlineError(code, details, error instanceof Error ? { cause: error } : {});
}
