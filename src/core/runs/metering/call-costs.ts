import type { Provenance } from "../../host/types.ts";
import type { EventPayloads } from "../events.ts";
import { simulatedPrice, type CallCost } from "./cost.ts";
import type { ModelMeter } from "./meter.ts";

type Counted = Omit<EventPayloads["usage.recorded"], "s" | "cost">;

const nothing: CallCost = [0, simulatedPrice];

/** Says what model calls cost: a simulated one nothing, another what the meter says, if there is one. */
export class CallCosts {
  readonly #meter: ModelMeter | undefined;

  constructor(meter: ModelMeter | undefined) {
    this.#meter = meter;
  }

  /** What has to come before {@link CallCosts.of}: nothing, mostly. */
  prepared(provenance: Provenance | undefined): Promise<void> | undefined {
    return provenance === "SIMULATED" || this.#meter === undefined || this.#meter.isReady ? undefined : this.#meter.prepare();
  }

  /** The counts of a call with its cost, where that is known. */
  of(counted: Counted, provenance: Provenance | undefined): Omit<EventPayloads["usage.recorded"], "s"> {
    const cost = provenance === "SIMULATED" ? nothing : this.#meter?.priceOf(counted);
    return cost === undefined ? counted : { ...counted, cost };
  }
}
