import type { SqlTx } from "../../database/database.ts";
import type { Sql } from "../../database/sql.ts";
import { serviceRef } from "../../kernel/refs.ts";
import type { Lookup } from "../cast.ts";
import type { Run } from "../entities/run.ts";
import type { EventPayloads, TokenUsage } from "../events.ts";
import type { ModelBinding } from "../runtime.ts";
import type { CallCost } from "./cost.ts";

/** A model call whose price is asked for. */
export interface PricedCall extends TokenUsage {
  readonly provider: string;
  readonly model: string;
}

/** A request to a model that a run is about to make. */
export interface ModelRequest {
  readonly run: Pick<Run, "id" | "tenantId" | "epoch" | "parentId" | "limits">;
  readonly binding: ModelBinding;
  readonly url: string;
  /** Where it is text, as JSON is. */
  readonly body: string | undefined;
  /** Questions of kind BUDGET about the run that were approved; each lifts a budget once. */
  readonly approvals: readonly string[];
}

/** A request that may be made. */
export interface AdmittedCall {
  /** Names it: it is said again with what it used. */
  readonly call: string;
  /** What to send; as it was by default. */
  readonly body?: string;
  readonly provider: string;
  readonly model: string;
  /** How much it gives a model to read, about. */
  readonly inputTokens: number;
}

/** A call that a lost process was making. */
export interface LostCall {
  readonly call: string;
  readonly provider: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly provenance: ModelBinding["provenance"];
}

/** A run that somebody asks for. */
export interface MeteredStart {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly targetType: string;
  readonly targetId: string;
  readonly threadId: string | undefined;
}

/** Whose call it was, or which run rests. */
export interface MeteredRun {
  readonly id: string;
  readonly tenantId: string;
}

/** What the meter is told in the transaction of the events: a call that was recorded, or a run that calls nobody for now. */
export type MeterNote =
  | {
      readonly kind: "called";
      readonly run: MeteredRun;
      /** The name under which it was admitted. */
      readonly call: string | undefined;
      readonly usage: EventPayloads["usage.recorded"];
    }
  | { readonly kind: "rests" | "ended"; readonly run: MeteredRun };

/**
 * Prices model calls and decides about them: before each is made, and once it is known what it used. Without a plugin that provides it, no call but a
 * simulated one has a price, and none is refused.
 */
export interface ModelMeter {
  /** Whether {@link ModelMeter.priceOf} can answer. */
  readonly isReady: boolean;
  /** Loads what it needs, and takes note of where a binding's calls go. */
  prepare(binding?: ModelBinding): Promise<void>;
  /** What a call cost; nothing where its price is unknown, or where its counts cannot be believed. */
  priceOf(call: PricedCall): CallCost | undefined;
  /**
   * Asked before each request, in a transaction of its own where something limits the run; nothing where nothing does, which costs nothing.
   *
   * @throws BUDGET_EXCEEDED, with `pause` in its details where a person may lift it; RUN_LIMIT; RUN_FENCED; PRICE_UNKNOWN.
   */
  admit(request: ModelRequest): Promise<AdmittedCall | undefined> | undefined;
  /** An admitted call was not made, or refused by the provider: it used nothing. */
  release(call: string): Promise<void>;
  /** Calls of a run that a lost process was making, to be recorded by who goes on. */
  lost(runId: string): Promise<readonly LostCall[]> | undefined;
  /** What was recorded, in the same transaction. It costs nothing where nothing is limited. */
  settle(tx: SqlTx, notes: readonly MeterNote[]): Promise<void> | undefined;
  /** @throws BUDGET_EXCEEDED where nothing is left of what the run would be paid from. */
  checkStart(sql: Sql, start: MeteredStart): Promise<void> | undefined;
}

export const modelMeter = serviceRef<ModelMeter>("runs.modelMeter");

/** The meter, where a plugin provides one. */
export function meterOf(lookup: Lookup): ModelMeter | undefined {
  return lookup.has(modelMeter) ? lookup.use(modelMeter) : undefined;
}

/** Tells the meter what was just folded into runs. @returns nothing where there is nothing to wait for. */
export function settle(
  { meter }: { readonly meter?: () => ModelMeter | undefined },
  tx: SqlTx,
  notes: readonly MeterNote[],
): Promise<void> | undefined {
  return notes.length === 0 ? undefined : meter?.()?.settle(tx, notes);
}

/** In the headers of a response: the call that it answers. Say it with the tokens, as `call`. */
export const callHeader = "x-weftline-call";
