import type { Sql } from "../database/sql.ts";
import type { Run } from "./entities/run.ts";
import { event } from "./events.ts";
import { failureOf } from "./failure.ts";
import { projectedRun, type RunEventDraft } from "./projector.ts";
import { foldOpenMessages, readPast } from "./restore.ts";
import type { TurnHost } from "./stage.ts";
import { storedUsage } from "./usage.ts";
import type { EventSource } from "./writer.ts";

/**
 * Fails a run by what its rows say, past its log's grammar: for one whose log cannot be continued, so that it does not stay at work and is not
 * taken up again.
 *
 * @throws RUN_FENCED where another owner took over.
 */
export async function endOutright(host: TurnHost, run: Run, reason: unknown): Promise<void> {
  const last = event("run.failed", { failure: failureOf(reason), usage: storedUsage(run.usage) });
  try {
    await append(host, run, [...(await leftOpen(host.database.read, run)), last]);
  } catch (error) {
    host.log.error({ runId: run.id, err: error }, "what a failed run left open could not be ended");
    await append(host, run, [last]);
  }
}

async function leftOpen(sql: Sql, run: Run): Promise<RunEventDraft[]> {
  const error = "The run failed.";
  const open = async (table: string, column: string, states: string): Promise<{ readonly it: never }[]> =>
    sql.all(`select ${column} as it from ${table} where run_id = ? and status in (${states})`, run.id);
  const [messages, calls, steps, interrupts] = await Promise.all([
    open("runs_message", "id", "'STREAMING'"),
    open("runs_tool_call", "num", "'REQUESTED', 'AWAITING_APPROVAL', 'RUNNING'"),
    open("runs_step", "num", "'RUNNING', 'WAITING'"),
    open("runs_interrupt", "id", "'PENDING'"),
  ]);
  const said = messages.length === 0 ? [] : await saidSoFar(sql, run);
  return [
    ...messages.map(({ it }: { readonly it: string }): RunEventDraft => {
      const m = Number(it.slice(it.lastIndexOf(".") + 1));
      const { text = "", parts = [] } = said.find((each) => each.m === m) ?? {};
      return { ...event("message.finished", { m, status: "FAILED", text }), row: { parts } };
    }),
    ...calls.map(({ it }) => event("tool.finished", { c: it, status: "CANCELLED", error })),
    ...steps.map(({ it }) => event("step.finished", { s: it, status: "FAILED", error })),
    ...interrupts.map(({ it }) => event("interrupt.resolved", { interrupt: it, status: "CANCELLED" })),
  ];
}

async function saidSoFar(sql: Sql, run: Run) {
  try {
    return await foldOpenMessages(sql, run, await readPast(sql, run));
  } catch {
    return [];
  }
}

function append(host: TurnHost, run: Run, drafts: RunEventDraft[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const source: EventSource = {
      run: projectedRun(run),
      epoch: run.epoch,
      drain: () => drafts.splice(0),
      committed: () => resolve(),
      refused: reject,
    };
    host.writer.wake(source, "now");
  });
}
