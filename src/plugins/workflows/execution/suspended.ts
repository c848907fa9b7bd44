import { WeftlineError } from "#weftline";

/** What a unit waits for. */
export type WaitsFor = "child" | "decision" | "time" | "signal";

/** A unit cannot go on before something comes. */
export class Suspended extends WeftlineError {
  readonly waitsFor: WaitsFor;

  constructor(waitsFor: WaitsFor) {
    super("RUN_SUSPENDED");
    this.waitsFor = waitsFor;
  }
}
