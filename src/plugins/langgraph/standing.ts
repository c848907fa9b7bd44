import type { Checkpoints, RunContext, StoredCheckpoint } from "#weftline";
import { askingOf } from "./asking.ts";
import { interruptChannel, interruptsOf, ownChannels, type StoredInterrupt } from "./saver.ts";
import { toolInterrupt } from "./tool-desk.ts";

/** The interrupts that a graph stands at: of the tasks that followed on its newest checkpoint and have not finished since. */
export function interruptsAt({ writes }: Pick<StoredCheckpoint, "writes">): StoredInterrupt[] {
  const finished = new Set(writes.filter(({ index }) => index >= 0).map(({ task }) => task));
  const waiting = writes.filter(({ channel, task }) => channel === interruptChannel && !finished.has(task));
  const interrupts = waiting.flatMap(({ value }) => interruptsOf(value));
  return [...new Map(interrupts.map((interrupt) => [interrupt.id ?? interrupt, interrupt])).values()];
}

/** Whether a tool waits for an approval: the platform has asked about it. */
export function isOfTool({ id = "" }: StoredInterrupt): boolean {
  return id.startsWith(toolInterrupt);
}

/** Our own note among the writes; LangGraph is not shown it. */
const breakpointChannel = `${ownChannels}breakpoint`;

/** Where a graph was compiled to stop. */
export interface Breakpoint {
  /** What comes next there. */
  readonly next: readonly string[];
  /** The newest checkpoint of the run: within a graph that stays where it is another may have gone on. */
  readonly newest: string;
}

/** Notes that the graph stopped at a checkpoint because it was compiled to. */
export async function noteBreakpoint(
  { checkpoints }: Pick<RunContext, "checkpoints">,
  { id }: StoredCheckpoint,
  next: readonly string[],
): Promise<Breakpoint> {
  const breakpoint: Breakpoint = { next, newest: await newestOf(checkpoints, id) };
  await checkpoints.putWrites({ checkpoint: id }, [{ task: "weftline", index: -1, channel: breakpointChannel, value: breakpoint }]);
  return breakpoint;
}

async function newestOf(checkpoints: Checkpoints, otherwise: string): Promise<string> {
  for await (const { id } of checkpoints.list()) return id;
  return otherwise;
}

/** The breakpoint at which the graph has stopped, if any. */
export function breakpointOf({ id, writes }: Pick<StoredCheckpoint, "id" | "writes">): Breakpoint | undefined {
  const note = writes.find(({ channel }) => channel === breakpointChannel)?.value as Breakpoint | readonly string[] | undefined;
  // Runs that wait since an earlier version have noted only what comes next.
  return Array.isArray(note) ? { next: note as readonly string[], newest: id } : (note as Breakpoint | undefined);
}

/**
 * Asks a person whether a graph goes on from where it was compiled to stop.
 *
 * @param checkpoint it stands at.
 * @throws RUN_SUSPENDED while nobody has decided.
 */
export async function mayGoOn({ ask }: Pick<RunContext, "ask">, checkpoint: string, next: readonly string[]): Promise<boolean> {
  const outcome = await ask({
    key: `breakpoint/${checkpoint}`,
    kind: "REVIEW",
    message: `Go on with ${next.join(", ")}?`,
    allowed: ["APPROVE", "REJECT"],
  });
  return outcome.status === "RESOLVED" && outcome.decision.kind === "APPROVE";
}

/**
 * Asks people what a graph asks, all of it at once.
 *
 * @throws RUN_SUSPENDED while one question is pending.
 * @returns what to resume with, by the interrupts' ids.
 */
export async function answersTo(interrupts: readonly StoredInterrupt[], ctx: Pick<RunContext, "ask">): Promise<Record<string, unknown>> {
  const answered = interrupts.map(async (interrupt) => {
    const asking = askingOf(interrupt);
    const outcomes = await Promise.all(asking.questions.map((question) => ctx.ask(question)));
    return [interrupt.id ?? "", asking.resume(outcomes)] as const;
  });
  return Object.fromEntries(await Promise.all(answered));
}
