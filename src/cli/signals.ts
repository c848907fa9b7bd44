import { exitCodes } from "./exit.ts";

/** A terminal and a wrapper such as npm both pass on one Ctrl-C: signals this close together (milliseconds) are one. */
const sameSignalMs = 300;

/**
 * Aborts at the first SIGINT or SIGTERM; the second one ends the process at once.
 *
 * @param until stops listening when it aborts; never by default.
 */
export function interruptSignal(until?: AbortSignal): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (firstAt !== undefined && now - firstAt > sameSignalMs) process.exit(exitCodes.interrupted);
    firstAt ??= now;
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  until?.addEventListener("abort", () => process.off("SIGINT", onSignal).off("SIGTERM", onSignal), { once: true });
  return controller.signal;
}
