import { WeftlineError } from "#weftline";
import type { CrewAgent } from "../definition/crew.ts";

/**
 * Counts the seconds that an agent may take for a piece of work.
 *
 * @param late is told once they are over.
 * @returns what ends the count.
 */
export function limitTime({ role, maxSeconds }: Pick<CrewAgent, "role" | "maxSeconds">, late: (error: WeftlineError) => void): () => void {
  if (maxSeconds === undefined) return () => undefined;
  const problem = `"${role}" did not finish within ${maxSeconds} seconds`;
  const timer = setTimeout(() => late(new WeftlineError("CREW_FAILED", { plugin: "crewai", problem })), maxSeconds * 1_000);
  return () => clearTimeout(timer);
}
