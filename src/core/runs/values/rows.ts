import { plainEntity } from "../../database/rows.ts";
import type { Sql } from "../../database/sql.ts";
import { WeftlineError } from "../../errors.ts";
import type { CallContent } from "../contract.ts";
import { ToolCall } from "../entities/message.ts";
import { Run, type Step } from "../entities/run.ts";
import type { StepContent } from "../program.ts";
import { sizeOfStored, wholeDocument, type ReadValue, type StoredValue, type ValueRefs } from "./refs.ts";

/**
 * Keeps values of a stream, in the transaction that appends the events which name them. Those that it has already are left as they are.
 *
 * @returns how many characters that took.
 */
export async function insertValues(
  sql: Sql,
  { streamNum, runSeq }: { readonly streamNum: number; readonly runSeq: number },
  values: readonly StoredValue[],
): Promise<number> {
  let bytes = 0;
  for (const value of values) {
    const size = sizeOfStored(value);
    const inserted = await sql.run(
      "insert into runs_value (stream_num, hash, run_seq, bytes, refs, value) values (?, ?, ?, ?, ?, ?) on conflict (stream_num, hash) do nothing",
      streamNum,
      value.hash,
      runSeq,
      size,
      value.refs,
      value.text,
    );
    if (inserted > 0) bytes += size;
  }
  if (bytes > 0) await sql.run("update runs_stream set bytes = bytes + ? where num = ?", bytes, streamNum);
  return bytes;
}

/**
 * Reads values that a run's rows and events name. They are found by the run alone: to know a hash opens nothing.
 *
 * One that is gone is a damaged store: the read fails, and with it the run that needs it.
 */
export function valuesOfRun(read: Sql, runId: string): ReadValue {
  return async (hash) => {
    const [row] = await readValue(read, runId, hash);
    if (!row) throw new WeftlineError("INTERNAL", { message: "A large value that the run names is gone from the database." });
    return row;
  };
}

/** The row of a value: none where the run or the value is gone. */
export function readValue(read: Sql, runId: string, hash: string): Promise<Pick<StoredValue, "text" | "refs">[]> {
  return read.all(
    "select value as text, refs from runs_value where stream_num = (select stream_num from runs_run where id = ?) and hash = ?",
    runId,
    hash,
  );
}

/** What a row holds, whole. */
export function wholeValue(read: Sql, runId: string, document: unknown, refs: ValueRefs | null | undefined): unknown {
  return refs == null ? document : wholeDocument({ document, refs }, valuesOfRun(read, runId));
}

/** What a run is given. */
export interface RunInput {
  readonly text?: string;
  readonly data?: unknown;
}

/** The whole of what a run was given; null where a message of its thread is all. */
export async function inputOf(read: Sql, { id, input, inputRefs }: Run): Promise<RunInput | null> {
  return ((await wholeValue(read, id, input, inputRefs)) as RunInput | null | undefined) ?? null;
}

/** A run with the whole of what it came to. @param run that is not managed. */
export async function withResult(read: Sql, run: Run): Promise<Run> {
  const { id, output, outputRefs, text, textRefs } = run;
  if (outputRefs == null && textRefs == null) return run;
  return plainEntity<Run>(Run.prototype, {
    ...run,
    output: await wholeValue(read, id, output, outputRefs),
    outputRefs: null,
    text: (await wholeValue(read, id, text, textRefs)) as string | null,
    textRefs: null,
  });
}

/** What a run came to: its output, else its last answer, else null. */
export async function resultOf(read: Sql, run: Run): Promise<unknown> {
  const { output, text } = await withResult(read, run);
  return output ?? text ?? null;
}

/** What a step was given and gave, whole. */
export async function stepContent(read: Sql, { runId, input, inputRefs, output, outputRefs }: Step): Promise<StepContent> {
  return {
    input: (await wholeValue(read, runId, input, inputRefs)) ?? null,
    output: (await wholeValue(read, runId, output, outputRefs)) ?? null,
  };
}

/** The arguments and the result of a call, whole. */
export async function callContent(read: Sql, call: ToolCall): Promise<CallContent> {
  const { runId, argumentsRefs, requestedRefs, resultRefs } = call;
  return {
    arguments: await wholeValue(read, runId, call.arguments, argumentsRefs),
    requestedArguments: await wholeValue(read, runId, call.requestedArguments, requestedRefs),
    result: await wholeValue(read, runId, call.result, resultRefs),
  };
}

/** Calls with the whole of their arguments and results. @param calls that are not managed. */
export function wholeCalls(read: Sql, calls: readonly ToolCall[]): Promise<ToolCall[]> {
  return Promise.all(
    calls.map(async (call) => {
      if (call.argumentsRefs == null && call.requestedRefs == null && call.resultRefs == null) return call;
      const content = await callContent(read, call);
      return plainEntity<ToolCall>(ToolCall.prototype, { ...call, ...content, argumentsRefs: null, requestedRefs: null, resultRefs: null });
    }),
  );
}

/** Forgets the values of a stream. */
export async function purgeValues(sql: Sql, streamNum: number): Promise<void> {
  await sql.run("delete from runs_value where stream_num = ?", streamNum);
}
