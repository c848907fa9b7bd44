import { setTimeout } from "node:timers/promises";
import { v7 as newId } from "uuid";
import { asPlatform } from "../database/rows.ts";
import { WeftlineError } from "../errors.ts";
import type { Database } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { cancelTree, type CancelHost } from "./cancel.ts";
import { tokensLeft } from "./limits-left.ts";
import { Run } from "./entities/run.ts";
import type { NewChild } from "./events.ts";
import { untilAborted } from "./plugin-work.ts";
import { chainTo, checkDepth, checkRecursion } from "./run-chain.ts";
import type { RunSession } from "./session.ts";
import { RunBelow, type ToolOutcome } from "./tools.ts";
import { isTerminal } from "./types.ts";
import { resultOf } from "./values/rows.ts";
import type { WakeSignal } from "./wakes.ts";

/** How long what another process does with a run below may go unnoticed. */
const lostWakeMs = 1_000;

/** What the calls of a turn that are runs need. */
export interface ToolRunsOptions {
  readonly host: {
    readonly database: Database;
    readonly signals: CancelHost;
    advanceBelow(runId: string): Promise<{ readonly done: Promise<void> } | undefined>;
  };
  readonly run: Run;
  readonly session: RunSession;
  readonly stops: { readonly abort: AbortController; readonly drain: AbortSignal; readonly wakes: WakeSignal };
}

/**
 * Calls that are made as runs below the caller's. Such a run takes no place of its own while its caller waits for it; where it comes to wait, its caller
 * waits too, and finds it again by the step of the call.
 */
export class ToolRuns {
  readonly #options: ToolRunsOptions;

  constructor(options: ToolRunsOptions) {
    this.#options = options;
  }

  /**
   * The run that a call is to be, as its step starts it.
   *
   * @throws RUN_TOO_DEEP, RUN_LIMIT; INTERNAL where the tool did not answer which run.
   */
  async prepare(asked: unknown): Promise<NewChild> {
    if (!(asked instanceof RunBelow)) throw new WeftlineError("INTERNAL", { message: "The tool did not say which run its call is." });
    const { host, run, session } = this.#options;
    const { targetType, target, text, input, timeoutMs } = asked.request;
    // What this run has used so far has to stand in its row.
    await session.flush();
    const { read } = host.database;
    const chain = await chainTo(read, run.id);
    const next = { targetType, targetId: target.id, name: target.name };
    checkDepth(chain, next);
    checkRecursion(chain, next);
    const left = await tokensLeft(read, run.id, run.limits);
    if (left !== undefined && left <= 0) throw new WeftlineError("RUN_LIMIT", { limit: `${run.limits.maxTokens} tokens` });
    return {
      id: newId(),
      targetType,
      target,
      ...(text === undefined ? {} : { text }),
      ...(input === undefined ? {} : { input }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  /**
   * Waits for the end of a run below, and advances it where nobody else does.
   *
   * @param own stops this call alone.
   * @returns its output, or why there is none, and how long it took.
   * @throws RUN_SUSPENDED where it waits; what ends the turn.
   */
  async outcome(childId: string, own?: AbortSignal): Promise<{ readonly outcome: ToolOutcome; readonly ms: number }> {
    const { host, stops } = this.#options;
    const ends = AbortSignal.any([stops.abort.signal, stops.drain, ...(own ? [own] : [])]);
    try {
      const child = await this.#end(childId, ends);
      return {
        outcome: await outcomeOf(host.database.read, child),
        ms: child ? Math.max(0, (child.finishedAt ?? child.createdAt) - child.createdAt) : 0,
      };
    } catch (error) {
      if (!own?.aborted || stops.abort.signal.aborted || stops.drain.aborted) throw error;
      await host.database.commit((tx) => cancelTree(host.signals, tx, childId, "The call that started it was stopped."), "cancelCall");
      return { outcome: { status: "CANCELLED", error: "The call was stopped." }, ms: 0 };
    }
  }

  async #end(childId: string, ends: AbortSignal): Promise<Run | undefined> {
    const { host, stops } = this.#options;
    for (;;) {
      const woken = stops.wakes.next;
      const work = await untilAborted(host.advanceBelow(childId), ends);
      if (work) {
        await untilAborted(work.done, ends);
        continue;
      }
      const [child] = await host.database.rows.byIds(Run, asPlatform, [childId]);
      if (!child || isTerminal(child.status)) return child;
      const parked = child.leaseOwner == null && child.status !== "QUEUED";
      if (parked || child.status === "PAUSED") throw new WeftlineError("RUN_SUSPENDED");
      await untilAborted(Promise.race([woken, setTimeout(lostWakeMs, undefined, { ref: false })]), ends);
    }
  }
}

/** Nothing was started where the tree was being cancelled. */
async function outcomeOf(read: Sql, child: Run | undefined): Promise<ToolOutcome> {
  const words = child ? `"${child.targetName}"` : "the run";
  switch (child?.status) {
    case "SUCCEEDED":
      return { status: "SUCCESS", result: await resultOf(read, child) };
    case "CANCELLED":
    case undefined:
      return { status: "CANCELLED", error: `The run of ${words} was cancelled.` };
    case "EXPIRED":
      return { status: "ERROR", error: `The run of ${words} passed its deadline.` };
    default:
      return { status: "ERROR", error: `The run of ${words} failed: ${child?.failure?.message ?? "nobody knows why"}` };
  }
}
