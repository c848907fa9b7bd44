import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

/**
 * A thread of those who are not the attacker, so that what the attacker's own loop does is not measured: one call after the other, until it is told
 * that the attack is over. Answers "ready" after the first, and how long each of the others took, in milliseconds, at the end.
 */
const { url } = workerData as { readonly url: string };
/** Between two calls, so that asking alone does not keep a core busy. */
const restMs = 2;
let state: "on" | "over" = "on";
parentPort?.once("message", () => (state = "over"));

const ask = async (): Promise<number> => {
  const asked = performance.now();
  const headers = { "content-type": "application/json", authorization: "Bearer token-of-bob" };
  const response = await fetch(url, { method: "POST", headers, body: '{"query":"{ viewer { id } }"}' });
  await response.json();
  return performance.now() - asked;
};

await ask();
parentPort?.postMessage("ready");
const waits: number[] = [];
const until = performance.now() + 1_000;
while (state === "on" || performance.now() < until) {
  waits.push(await ask());
  await pause(restMs);
}
parentPort?.postMessage(waits);
