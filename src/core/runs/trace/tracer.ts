import { extensionPoint } from "../../kernel/refs.ts";

/** Who makes traces of runs. */
export interface Tracer {
  /** Whether the spans of a trace are recorded. @param traceId 32 hexadecimal digits */
  records(traceId: string): boolean;
}

/** Where a plugin puts its {@link Tracer}; the first counts. Without one, runs pass on the trace that their request was in, and are no part of it. */
export const tracers = extensionPoint<Tracer>("runs.tracers");
