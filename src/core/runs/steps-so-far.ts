import type { RowReader, RowViewer } from "../database/rows.ts";
import { Run, Step } from "./entities/run.ts";

/** Reads rows as somebody. */
interface Reading {
  readonly rows: RowReader;
  readonly as: RowViewer;
}

/**
 * The steps of a run, oldest first. A fork that ended before its first turn has none yet: it has those that it was to take over from the run it was
 * forked from.
 */
export async function stepsSoFar(reading: Reading, { id, settings: { replays } }: Pick<Run, "id" | "settings">): Promise<readonly Step[]> {
  const { rows, as } = reading;
  const own = await rows.all(Step, as, { where: "e.run_id = ?", params: [id], orderBy: "e.num" });
  if (own.length > 0 || !replays) return own;
  const [source] = await rows.byIds(Run, as, [replays.runId]);
  if (!source) return [];
  const keys = new Set(replays.keys);
  return (await stepsSoFar(reading, source)).filter(({ key, nodeKey }) => nodeKey != null && keys.has(key));
}
