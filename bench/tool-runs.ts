import { makeBed, shipped } from "./bed.ts";
import { converseOnce } from "./converse.ts";
import { loadFigures, loadOf } from "./load.ts";
import type { Figure } from "./measure.ts";

const concurrency = 16;

/** Two model calls and one call of a tool, each in a thread of its own. */
export async function toolRuns(): Promise<Figure[]> {
  const bed = await makeBed("ours", shipped, ["time.now"]);
  const line = await bed.line();
  const load = await loadOf(
    bed,
    Array.from({ length: concurrency }, () => () => converseOnce(bed, "ours", line, "tool tokens=10 rate=0")),
  );
  line.close();
  bed.close();
  return loadFigures(
    `runs with a tool call, ${concurrency} at a time, each in a new thread`,
    { perSecond: { target: 600 } },
    { ours: load },
  );
}
