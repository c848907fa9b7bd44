import {
  WeftlineError,
  fileNote,
  fileUnsupported,
  hashOf,
  type InputPart,
  type RunContext,
  type RunEventBody,
  type RunRequest,
} from "#weftline";
import type { LangGraphOptions } from "./options.ts";
import { lastSaid, tellOutcome } from "./outcome.ts";
import { RemoteAnswers } from "./remote-answers.ts";
import { RemoteEvents } from "./remote-events.ts";
import { isOpen, type RemoteRun } from "./remote-run.ts";
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
  const answers = await RemoteAnswers.open(ctx);
  const thread = await RemoteThread.open(target, ctx, answers);
  const runs = await thread.cancel(await thread.settle());
  answers.heard(runs);
  const standing = await thread.state();
  const events = new RemoteEvents(target.graph, new StatePatches(sdk, standing?.values ?? {}));
  const asked = interruptsOf(standing, answers);
  if (standing && isStopped(standing, answers, runs) && !(await leaveToGoOn(standing, answers, ctx))) return;
  // A server may say of a node that asked twice that nothing is next.
  if (standing === undefined || standing.next.length > 0 || asked.length > 0) {
    const begin = standing ? await goOn(sdk, asked, answers, runs, ctx) : input;
    for await (const chunk of thread.stream(begin)) yield* events.read(chunk);
  }
  const after = await endOf(thread, standing, answers);
  answers.told();
  yield* events.close();
  const interrupts = interruptsOf(after, answers);
  if (interrupts.length === 0 && after.next.length > 0) {
    if (await leaveToGoOn(after, answers, ctx)) throw thread.truncated();
    return;
  }
  await answersTo(interrupts, ctx);
  if (interrupts.length > 0) throw new WeftlineError("RUN_SUSPENDED");
  yield* tellOutcome(after.values, request.options.output, events.said ?? lastSaid(request, ctx));
}

/**
 * How the graph stands when its run has ended. One that has more to do, and neither asks nor was compiled to stop, has lost its stream.
 *
 * @param before how it stood when it was last let go on.
 * @throws STREAM_TRUNCATED
 */
async function endOf(thread: RemoteThread, before: RemoteState | undefined, answers: RemoteAnswers): Promise<RemoteState> {
  const early = await thread.state();
  if (early && early.next.length === 0 && !asks(early)) return early;
  const runs = await thread.settle();
  await thread.cancel(runs);
  const after = await thread.state();
  const more = after && after.next.length > 0 && !asks(after);
  if (!after || runs.some(isOpen) || (more && (checkpointOf(after) === checkpointOf(before) || !isStopped(after, answers, runs))))
    throw thread.truncated();
  return after;
}

function asks({ tasks }: RemoteState): boolean {
  return tasks.some(({ interrupts }) => interrupts.length > 0);
}

/** Whether the graph has more to do and does not do it because it was compiled to stop there. */
function isStopped(state: RemoteState, answers: RemoteAnswers, runs: readonly RemoteRun[]): boolean {
  return state.next.length > 0 && !asks(state) && answers.stoppedAt(checkpointOf(state), runs);
}

/** @throws RUN_SUSPENDED while nobody has decided whether to go on. */
async function leaveToGoOn(state: RemoteState, answers: RemoteAnswers, ctx: RunContext): Promise<boolean> {
  await answers.stop(checkpointOf(state));
  return mayGoOn(ctx, checkpointOf(state), state.next);
}

/** The checkpoints that a graph and those within it stand at: they move while it does not. */
function checkpointOf(state: RemoteState | undefined): string {
  const within = (state?.tasks ?? []).flatMap((task) => (task.state && "tasks" in task.state ? [checkpointOf(task.state)] : []));
  return [state?.config.configurable?.checkpoint_id ?? "", ...within].join("/");
}

async function goOn(
  sdk: LangGraphSdk,
  interrupts: readonly StoredInterrupt[],
  answers: RemoteAnswers,
  runs: readonly RemoteRun[],
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
          content: message.parts.map((part) => textOf(part, message, target)).join("\n"),
        },
  );
  const before = recalled === undefined ? [] : [{ role: "system", content: recalled }];
  return { messages: [...before, ...said], ...given };
}

/** @throws FILE_UNSUPPORTED: a file would be kept on the server, where nobody deletes it with its thread. */
function textOf(part: InputPart, { earlier }: { readonly earlier?: true }, { graph }: RemoteTarget): string {
  if (part.type === "file" && earlier) return fileNote(part);
  if (part.type === "file") throw fileUnsupported(`The graph "${graph}" on its server`, part);
  return part.type === "text" ? part.text : JSON.stringify(part.data);
}
