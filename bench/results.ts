import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import type { Figure } from "./measure.ts";

/** Figures as rows of a table: ours, the bound, the ratio of both, the target. */
export function resultsOf(figures: readonly Figure[]): string[] {
  return [
    "| Work | Ours | Bound | Ratio (as of the target) | Target | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...figures.map(({ work, unit, ours, bound, target, boundThen, better, note }) => {
      const ratio = bound === undefined || ours === undefined ? "" : `${(ours / bound).toFixed(2)}${allowed(target, boundThen, better)}`;
      const limit = target === undefined ? "" : `${better === "less" ? "≤" : "≥"} ${shown(target, unit)}`;
      const met = target === undefined || ours === undefined || (better === "less" ? ours <= target : ours >= target);
      return `| ${work} | ${ours === undefined ? "" : met ? shown(ours, unit) : `**${shown(ours, unit)}**`} | ${bound === undefined ? "" : shown(bound, unit)} | ${ratio} | ${limit} | ${note ?? ""} |`;
    }),
  ];
}

/** The ratio that the target was to the bound of its time. */
function allowed(target: number | undefined, boundThen: number | undefined, better: Figure["better"]): string {
  return target === undefined || boundThen === undefined ? "" : ` (${better === "less" ? "≤" : "≥"} ${(target / boundThen).toFixed(2)})`;
}

function shown(value: number, unit: string): string {
  const digits = Math.abs(value) >= 1_000 ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number =
    unit === "s" ? value.toFixed(3) : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit === "" ? number : `${number} ${unit}`;
}

const file = "bench/RESULTS.md";
const begin = "<!-- figures -->";
const end = "<!-- end of figures -->";

/** Replaces the table of the file; what is said about it stays. */
export function writeResults(figures: readonly Figure[]): void {
  const [processor] = cpus();
  const machine = `${cpus().length} cores (${processor?.model.trim() ?? "unknown"}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the end.`;
  const text = readFileSync(file, "utf8");
  const [before = "", rest = ""] = text.split(begin);
  const [, after = ""] = rest.split(end);
  writeFileSync(file, `${before}${begin}\n\n${machine}\n\n${resultsOf(figures).join("\n")}\n\n${end}${after}`);
}
