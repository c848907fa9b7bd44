import { stat } from "node:fs/promises";
import { join } from "node:path";
import { version, type Database, type RunFigures, type serverCounters, type ServiceRef } from "#weftline";
import { counter, gauge, histogram, type Family } from "./families.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { bucketsOf, type Sample } from "./series.ts";

type ServerCounters = typeof serverCounters extends ServiceRef<infer T> ? T : never;

/** Where the figures of the platform come from: all of them stand in memory, but for one read of an index and the sizes of two files. */
export interface PlatformFigures {
  readonly runs: RunMetrics;
  readonly figures: RunFigures;
  readonly server: ServerCounters;
  readonly database: Database;
  /** The folder of the database. */
  readonly folder: string;
}

/** All metrics of the platform itself, as of now. */
export async function platformFamilies(of: PlatformFigures): Promise<Family[]> {
  return [
    gauge("weftline_info", "The version of the host; always 1.", [{ labels: { version }, value: 1 }]),
    ...runFamilies(of.runs),
    ...callFamilies(of.runs),
    ...(await engineFamilies(of.figures)),
    ...logFamilies(of.figures),
    ...serverFamilies(of.server),
    ...(await databaseFamilies(of)),
  ];
}

function runFamilies(runs: RunMetrics): Family[] {
  return [
    counter("weftline_runs_queued_total", "Runs that were started.", runs.queued),
    counter("weftline_runs_ended_total", "Runs that ended, by status, framework and provenance.", runs.ended.samples()),
    histogram("weftline_run_seconds", "From the start of a run to its end, waits included, by status.", (name) =>
      runs.runSeconds.samples(name),
    ),
    counter("weftline_interrupts_total", "Questions and approvals that were raised.", runs.interrupts),
    counter("weftline_memory_recalls_total", "Recalls before a turn, by outcome.", runs.recalls.samples()),
    counter("weftline_memory_recalled_records_total", "Memory records that models were shown.", runs.recalledRecords),
  ];
}

function callFamilies(runs: RunMetrics): Family[] {
  return [
    counter("weftline_model_calls_total", "Calls of models, by provider, model and status.", runs.modelCalls.samples()),
    histogram("weftline_model_call_seconds", "How long calls of models took.", (name) => runs.modelSeconds.samples(name)),
    counter(
      "weftline_model_tokens_total",
      "Tokens, by kind. Cached ones are part of the input, reasoning of the output.",
      runs.tokens.samples(),
    ),
    counter("weftline_tool_calls_total", "Calls of tools, by tool and status.", runs.toolCalls.samples()),
    histogram("weftline_tool_call_seconds", "How long the code of tools took.", (name) => runs.toolSeconds.samples(name)),
  ];
}

async function engineFamilies(figures: RunFigures): Promise<Family[]> {
  const { engine, counters } = figures.read();
  const due = await figures.due();
  const sweptMs = counters.sweptAt === undefined ? 0 : performance.now() - counters.sweptAt;
  return [
    gauge("weftline_runs_at_work", "Runs at work in this process.", engine.active),
    gauge("weftline_run_places", "How many runs may be at work in this process.", engine.places),
    gauge("weftline_runs_due", "Runs that are due and at work nowhere; counted up to 1,000.", due.count),
    gauge("weftline_oldest_due_run_seconds", "How long the oldest of them has been due.", due.oldestMs / 1_000),
    gauge("weftline_engine_last_sweep_seconds", "How long ago the engine last looked for due runs.", sweptMs / 1_000),
    counter("weftline_run_claims_total", "Runs that this process took, once for each turn.", counters.claims),
    counter("weftline_run_takeovers_total", "Those among them that a lost worker had left.", counters.takeOvers),
    counter("weftline_runs_fenced_total", "Turns that ended since another worker had taken their run.", counters.fenced),
  ];
}

function logFamilies(figures: RunFigures): Family[] {
  const { counters } = figures.read();
  return [
    counter("weftline_log_events_total", "Events that were appended to logs.", counters.events),
    counter("weftline_log_bytes_total", "Bytes of those events.", counters.bytes),
    histogram("weftline_log_group_events", "Events in one commit of runs at work.", (name) => bucketsOf(name, counters.groups)),
    histogram("weftline_log_append_seconds", "How long such a commit took.", (name) => bucketsOf(name, counters.appendSeconds)),
    gauge("weftline_stream_readers", "Readers of streams: subscriptions of runs and threads, and programs.", counters.readers),
    counter(
      "weftline_stream_readers_behind_total",
      "Readers that fell behind: what waited for them was dropped, and they went on from the log.",
      counters.readersBehind,
    ),
  ];
}

function serverFamilies(server: ServerCounters): Family[] {
  const answered = [...server.requests].flatMap(([route, statuses]) =>
    [...statuses].map(([status, value]): Sample => ({ labels: { route, status: String(status) }, value })),
  );
  const took = (name: string): Sample[] => [...server.requestSeconds].flatMap(([route, times]) => bucketsOf(name, times, { route }));
  return [
    counter("weftline_http_requests_total", "Requests that were answered, by route and status.", answered),
    histogram("weftline_http_request_seconds", "How long answers took, event streams left out.", took),
    counter(
      "weftline_graphql_operations_total",
      "Operations, by kind, over all transports.",
      Object.entries(server.operations).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    gauge("weftline_subscriptions", "Open subscriptions, over sockets and event streams.", server.subscriptions),
    gauge("weftline_sockets", "Open WebSockets.", server.sockets),
    gauge("weftline_event_streams", "Open event streams.", server.eventStreams),
  ];
}

async function databaseFamilies({ database, folder }: PlatformFigures): Promise<Family[]> {
  const { waiting, seconds, groups } = database.writes;
  const files = ["weftline.db", "weftline.db-wal"];
  const sizes = await Promise.all(files.map((file) => sizeOf(join(folder, file))));
  return [
    gauge("weftline_database_writes_waiting", "Writes that wait for their turn, or are at it.", waiting),
    histogram("weftline_database_transaction_seconds", "How long transactions took with their commits.", (name) =>
      bucketsOf(name, seconds),
    ),
    histogram("weftline_database_transaction_writes", "Writes that shared a transaction.", (name) => bucketsOf(name, groups)),
    gauge(
      "weftline_database_bytes",
      "Sizes of the database's files.",
      files.map((file, index) => ({ labels: { file }, value: sizes[index] ?? 0 })),
    ),
  ];
}

/** A file that is not there takes nothing. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
