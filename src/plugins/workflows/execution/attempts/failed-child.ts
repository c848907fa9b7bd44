import { WeftlineError, type ProgramContext, type Run } from "#weftline";

/** The attempt that started it. */
interface Parent {
  readonly key: string;
  readonly attempt: number;
  /** Whether it may be done again without anybody being asked. */
  readonly mayRepeat: boolean;
}

/**
 * What comes of an attempt whose child run failed. A tool call that was under way in it may have taken effect: a person is asked before another
 * attempt makes it again.
 *
 * @returns the output that the person supplied.
 * @throws CHILD_RUN_FAILED, NODE_TIMEOUT; NODE_REJECTED where the person lets it fail; RUN_SUSPENDED while the question is pending.
 */
export async function afterFailedChild(
  { state }: Pick<ProgramContext, "state">,
  child: Run,
  { key, attempt, mayRepeat }: Parent,
): Promise<unknown> {
  const failed = childFailed(child);
  const unknown = mayRepeat ? await state.unknownOutcomes(child.id) : [];
  if (unknown.length === 0) throw failed;
  const message = `The run of "${child.targetName}" ended while ${unknown.map((name) => `"${name}"`).join(", ")} ran, so nobody knows whether that took effect. Approve to try again, answer with the node's output, or reject to let it fail.`;
  const outcome = await state.askWhatBecame({ key: `${key}#${attempt}/became`, message, step: key });
  const { kind, payload, reason } = outcome.status === "RESOLVED" ? outcome.decision : { kind: "REJECT" as const };
  if (kind === "ANSWER") return payload;
  if (kind === "APPROVE") throw failed;
  throw new WeftlineError("NODE_REJECTED", { message: reason ?? failed.message });
}

function childFailed({ targetName, status, failure }: Run): WeftlineError {
  if (status === "EXPIRED") return new WeftlineError("NODE_TIMEOUT", { message: `The run of "${targetName}" was not done in time.` });
  const message = failure?.message ?? `The run of "${targetName}" was cancelled.`;
  return new WeftlineError("CHILD_RUN_FAILED", { target: targetName, code: failure?.code ?? status, message });
}
