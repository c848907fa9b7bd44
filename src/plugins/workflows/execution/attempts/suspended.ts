import { WeftlineError } from "#weftline";

/** What a unit waits for; `uncertain` for a person who says what became of something that it did. */
export type WaitsFor = "child" | "decision" | "time" | "signal" | "uncertain";

/** Says that a unit cannot go on before something comes. */
export function suspended(waitsFor: WaitsFor): WeftlineError {
  return new WeftlineError("RUN_SUSPENDED", { waitsFor });
}

/** What a unit waits for that was suspended: a person, where the engine said so; nothing for another error. */
export function waitsForOf(error: unknown): WaitsFor | undefined {
  if (!(error instanceof WeftlineError && error.code === "RUN_SUSPENDED")) return undefined;
  return (error.details["waitsFor"] as WaitsFor | undefined) ?? "decision";
}
