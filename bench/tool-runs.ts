import { makeBed, shipped } from "./bed.ts";
import { converseOnce } from "./converse.ts";
import { loadOf } from "./load.ts";
import type { Figure } from "./measure.ts";

const concurrency = 16;

/** Two model calls and one call of a tool, each in a thread of its own. */
export async function toolRuns(): Promise<Figure[]> {
  const bed = await makeBed("ours", shipped, ["time.now"]);
  const line = await bed.line();
  const { perSecond, cpuMs, busy } = await loadOf(
    bed,
    Array.from({ length: concurrency }, () => () => converseOnce(bed, "ours", line, "tool tokens=10 rate=0")),
  );
  line.close();
  bed.close();
  const work = `runs with a tool call, ${concurrency} at a time, each in a new thread`;
  return [
    { work: `${work}: a second`, unit: "", ours: perSecond, target: 600, better: "more", note: `cores: ${busy}` },
    { work: `${work}: server CPU each`, unit: "ms", ours: cpuMs, better: "less" },
  ];
}
