import { appendFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

/**
 * Loaded into the server before its own code: notes each turn of its event loop that was long, as "when for-how-long" in milliseconds. What counts is the
 * main thread's CPU time, which is the wait of everybody else on a machine that does nothing besides.
 */
const file = process.env["LOOP_DELAY_FILE"];
const everyMs = 5;
/** Shorter ones are what any server has. */
const leastMs = 20;

let last = process.threadCpuUsage();
const beat = (): void => {
  const { user, system } = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  const ms = (user + system) / 1_000;
  if (ms > leastMs && file !== undefined) appendFileSync(file, `${Date.now()} ${ms}\n`);
};
if (isMainThread) setInterval(beat, everyMs).unref();
