/** Runs that ended alike after about as long: [status, bin, how many, the longest of them]. Those that did not run to an end have no length. */
export type Span = readonly [status: string, bin: number | null, runs: number, ms: number | null];

/** Of the logarithm of lengths: those within a hundredth count as one. */
export const width = Math.log(1.01);

/** Which lengths count as one with this, in milliseconds. */
export function binOf(ms: number | null): number | null {
  return ms === null ? null : Math.floor(Math.log(Math.max(ms, 0) + 1) / width);
}

/** Counts runs in. */
export function addSpan(spans: Map<string, Span>, [status, bin, runs, ms]: Span): void {
  const name = `${status}/${bin}`;
  const [, , before = 0, longest = null] = spans.get(name) ?? [];
  spans.set(name, [status, bin, before + runs, ms === null ? longest : Math.max(longest ?? ms, ms)]);
}

/** How runs of one bucket did. */
export interface Outcomes {
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Milliseconds from start to end, of those that ended: within a hundredth. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export function outcomesOf(spans: readonly Span[]): Outcomes {
  const count = (those: readonly Span[]): number => those.reduce((sum, [, , runs]) => sum + runs, 0);
  const of = (...statuses: readonly string[]): number => count(spans.filter(([status]) => statuses.includes(status)));
  const ended = spans.filter(([, , , ms]) => ms !== null).toSorted(([, , , a], [, , , b]) => (a ?? 0) - (b ?? 0));
  const total = count(ended);
  const percentile = (share: number): number | null => {
    let left = Math.ceil(total * share);
    return ended.find(([, , runs]) => (left -= runs) <= 0)?.[3] ?? null;
  };
  return {
    runs: count(spans),
    succeeded: of("SUCCEEDED"),
    failed: of("FAILED", "EXPIRED"),
    p50Ms: total === 0 ? null : percentile(0.5),
    p95Ms: total === 0 ? null : percentile(0.95),
  };
}
