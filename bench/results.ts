import type { Figure } from "./measure.ts";

/** Figures as rows of a table: ours, the bound, the ratio of both, the target. */
export function resultsOf(figures: readonly Figure[]): string[] {
  return [
    "| Work | Ours | Bound | Ratio | Target | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...figures.map(({ work, unit, ours, bound, target, better, note }) => {
      const ratio = bound === undefined ? "" : (ours / bound).toFixed(2);
      const limit = target === undefined ? "" : `${better === "less" ? "≤" : "≥"} ${shown(target, unit)}`;
      const met = target === undefined || (better === "less" ? ours <= target : ours >= target);
      return `| ${work} | ${met ? "" : "**"}${shown(ours, unit)}${met ? "" : "**"} | ${bound === undefined ? "" : shown(bound, unit)} | ${ratio} | ${limit} | ${note ?? ""} |`;
    }),
  ];
}

function shown(value: number, unit: string): string {
  const digits = Math.abs(value) >= 1_000 ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number =
    unit === "s" ? value.toFixed(3) : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit === "" ? number : `${number} ${unit}`;
}
