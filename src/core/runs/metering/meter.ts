import { serviceRef } from "../../kernel/refs.ts";
import type { Lookup } from "../cast.ts";
import type { TokenUsage } from "../events.ts";
import type { ModelBinding } from "../runtime.ts";
import type { CallCost } from "./cost.ts";

/** A model call whose price is asked for. */
export interface PricedCall extends TokenUsage {
  readonly provider: string;
  readonly model: string;
}

/** Prices model calls. Without a plugin that provides it, no call but a simulated one has a price. */
export interface ModelMeter {
  /** Whether {@link ModelMeter.priceOf} can answer. */
  readonly isReady: boolean;
  /** Loads what it needs, and takes note of where a binding's calls go. */
  prepare(binding?: ModelBinding): Promise<void>;
  /** What a call cost; nothing where its price is unknown, or where its counts cannot be believed. */
  priceOf(call: PricedCall): CallCost | undefined;
}

export const modelMeter = serviceRef<ModelMeter>("runs.modelMeter");

/** The meter, where a plugin provides one. */
export function meterOf(lookup: Lookup): ModelMeter | undefined {
  return lookup.has(modelMeter) ? lookup.use(modelMeter) : undefined;
}
