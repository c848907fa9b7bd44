import { WeftlineError, fileUnsupported, hashOf, type InputPart, type RunContext, type RunEventBody, type RunRequest } from "#weftline";
import type { LangGraphOptions } from "./options.ts";
import { lastSaid, tellOutcome } from "./outcome.ts";
import { RemoteAnswers } from "./remote-answers.ts";
import { RemoteEvents } from "./remote-events.ts";
import { RemoteThread, type RemoteState, type RemoteTarget } from "./remote-thread.ts";
import type { StoredInterrupt } from "./saver.ts";
import type { LangGraphSdk } from "./sdk.ts";
import { answersTo, mayGoOn } from "./standing.ts";
import { StatePatches } from "./state-patches.ts";

/**
 * Runs a graph on a LangGraph server, in a thread there that has the run's id: the server keeps its state, and a run that is taken up again goes on
 * from that.
 */
export async function* runRemote(
  sdk: LangGraphSdk,
  target: RemoteTarget,
  request: RunRequest<LangGraphOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const input = inputOf(request, target);
  const thread = await RemoteThread.open(target, ctx);
  const standing = await thread.state();
  const runs = standing ? await thread.cancelRuns() : 0;
  const answers = await RemoteAnswers.open(ctx, runs);
  const events = new RemoteEvents(target.graph, new StatePatches(sdk, standing?.values ?? {}));
  const asked = interruptsOf(standing, answers);
  const at = checkpointOf(standing);
  if (standing && asked.length === 0 && answers.stoppedAt(at) && !(await mayGoOn(ctx, at, standing.next))) return;
  // A server may say of a node that asked twice that nothing is next.
  if (standing === undefined || standing.next.length > 0 || asked.length > 0) {
    const begin = standing ? await goOn(sdk, asked, answers, runs, ctx) : input;
    for await (const chunk of thread.stream(begin)) yield* events.read(chunk);
    answers.told();
  }
  yield* events.close();
  const after = await thread.state();
  const interrupts = interruptsOf(after, answers);
  if (interrupts.length === 0 && after && after.next.length > 0) await stopAt(after, thread, answers, ctx);
  await answersTo(interrupts, ctx);
  if (interrupts.length > 0) throw new WeftlineError("RUN_SUSPENDED");
  yield* tellOutcome(after?.values ?? {}, request.options.output, events.said ?? lastSaid(request, ctx));
}

/**
 * The graph has more to do and does not do it: it was compiled to stop here, or its stream ended too soon.
 *
 * @throws RUN_SUSPENDED while nobody has decided whether to go on; STREAM_TRUNCATED.
 */
async function stopAt(state: RemoteState, thread: RemoteThread, answers: RemoteAnswers, ctx: RunContext): Promise<void> {
  const at = checkpointOf(state);
  if (at === undefined || (await thread.working())) {
    await thread.cancelRuns();
    throw thread.truncated();
  }
  await answers.stop(at);
  await mayGoOn(ctx, at, state.next);
}

function checkpointOf(state: RemoteState | undefined): string | undefined {
  return state?.config.configurable?.checkpoint_id;
}

async function goOn(
  sdk: LangGraphSdk,
  interrupts: readonly StoredInterrupt[],
  answers: RemoteAnswers,
  runs: number,
  ctx: RunContext,
): Promise<unknown> {
  if (interrupts.length === 0) return null;
  const resume = await answersTo(interrupts, ctx);
  await answers.telling(Object.keys(resume), runs);
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

/** The server has instructions of its own; what was recalled here it can only hear of in the conversation. */
function inputOf({ input, messages, recalled }: RunRequest, target: RemoteTarget): Readonly<Record<string, unknown>> {
  const data = (input as { readonly data?: unknown } | null)?.data;
  const given = typeof data === "object" && data !== null && !Array.isArray(data) ? data : {};
  const said = messages.map((message) =>
    message.role === "ASSISTANT"
      ? { role: "assistant", content: message.text }
      : {
          role: message.role === "USER" ? "user" : "system",
          content: message.parts.map((part) => textOf(part, target)).join("\n"),
        },
  );
  const before = recalled === undefined ? [] : [{ role: "system", content: recalled }];
  return { messages: [...before, ...said], ...given };
}

/** @throws FILE_UNSUPPORTED: a file would be kept on the server, where nobody deletes it with its thread. */
function textOf(part: InputPart, { graph }: RemoteTarget): string {
  if (part.type === "file") throw fileUnsupported(`The graph "${graph}" on its server`, part);
  return part.type === "text" ? part.text : JSON.stringify(part.data);
}
