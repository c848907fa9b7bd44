import type { RunEventBody } from "#weftline";
import type { LangGraphSdk } from "./sdk.ts";

/** Tells of a graph's state by what changes: JSON Patches from one checkpoint to the next. */
export class StatePatches {
  readonly #sdk: Pick<LangGraphSdk, "jsonPatch">;
  readonly #told: Map<string, unknown>;

  /** @param told the state that whoever follows the run knows. */
  constructor(sdk: Pick<LangGraphSdk, "jsonPatch">, told: Readonly<Record<string, unknown>>) {
    this.#sdk = sdk;
    this.#told = new Map(Object.entries(told));
  }

  /** The patch of some values that changed, or nothing where they are what they were. */
  *changed(values: Readonly<Record<string, unknown>>): Generator<RunEventBody> {
    const patch = Object.entries(values).flatMap(([name, value]) => {
      const before = this.#told.has(name) ? { [name]: this.#told.get(name) } : {};
      this.#told.set(name, value);
      return this.#sdk.jsonPatch.compare(before, { [name]: value });
    });
    if (patch.length > 0) yield { kind: "state.patched", patch };
  }
}

/** The whole state as a patch, for who knows nothing of it. */
export function wholeState(values: Readonly<Record<string, unknown>>): RunEventBody {
  return { kind: "state.patched", patch: [{ op: "replace", path: "", value: values }] };
}
