import PQueue from "p-queue";
import type { ToolDefinition } from "./tools.ts";

/** Lets no more calls of a tool run at once, over all runs of this process, than its definition says. */
export class ToolGates {
  readonly #queues = new Map<string, PQueue>();

  /** Runs the work when it is its turn. @throws the signal's reason where that aborts first. */
  pass<T>({ name, concurrency }: ToolDefinition, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (concurrency === undefined) return work();
    let queue = this.#queues.get(name);
    if (!queue) this.#queues.set(name, (queue = new PQueue({ concurrency })));
    queue.concurrency = concurrency;
    return queue.add(work, { signal });
  }
}
