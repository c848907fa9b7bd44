import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../errors.ts";

/** What the thread is asked. */
export interface OffloadedTask {
  readonly id: number;
  readonly task: unknown;
}

/** What it answers. */
export interface OffloadedAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly problem?: string;
}

const { module } = workerData as { readonly module: string };
const { work } = (await import(module)) as { readonly work: (task: unknown) => unknown };

parentPort?.on("message", async ({ id, task }: OffloadedTask) => {
  parentPort?.postMessage(await answerTo(id, task));
});
parentPort?.postMessage("ready");

async function answerTo(id: number, task: unknown): Promise<OffloadedAnswer> {
  try {
    return { id, value: await work(task) };
  } catch (error) {
    return { id, problem: messageOf(error) };
  }
}
