import { readFileSync } from "node:fs";

/** One figure beside its target. */
export interface Figure {
  readonly work: string;
  readonly unit: string;
  /** Absent where it says something of the machine alone. */
  readonly ours?: number;
  /** The same of the minimal server of bound.ts, in the same run. */
  readonly bound?: number;
  readonly target?: number;
  /** What a bound reached on the machine on which the target was set. */
  readonly boundThen?: number;
  readonly better: "less" | "more";
  /** What one should know of how it came about. */
  readonly note?: string;
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** CPU seconds that a process has used so far. */
export function cpuOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process, in KiB. */
export function memoryOf(pid: number): number {
  return Number(statOf(pid)[21]) * 4;
}

function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
