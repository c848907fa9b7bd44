import type { Lookup } from "../cast.ts";
import { isSampledByCaller, spanIdOf, traceIdOf, type TracedRun } from "./trace-ids.ts";
import { tracers, type Tracer } from "./tracer.ts";

/** Whether the spans of a run are recorded: what its caller says counts, else the tracer decides by the trace. */
export function isRecorded(tracer: Tracer, run: TracedRun): boolean {
  return isSampledByCaller(run) ?? tracer.records(traceIdOf(run));
}

/**
 * What a run tells others of its trace, as a W3C `traceparent`.
 *
 * @returns a function of the id of the run, or of one of its calls; it answers nothing where there is no trace.
 */
export function traceparentsOf(lookup: Pick<Lookup, "contributions">, run: TracedRun): (spanOf: string) => string | undefined {
  const given = run.settings.traceparent;
  for (const { value } of lookup.contributions(tracers).values()) {
    if (!isRecorded(value, run)) return () => given;
    const traceId = traceIdOf(run);
    return (id) => `00-${traceId}-${spanIdOf(id)}-01`;
  }
  return () => given;
}
