import { asPlatform, type RowReader } from "../database/rows.ts";
import { Run, Step } from "./entities/run.ts";

/**
 * Steps of a run, oldest first. Where it has none yet and was forked from another, those that it is to take over from that: a fork that ended before its
 * first turn stands where it was to begin.
 */
export async function stepsSoFar(rows: RowReader, { id, settings: { replays } }: Pick<Run, "id" | "settings">): Promise<readonly Step[]> {
  const own = await rows.all(Step, asPlatform, { where: "e.run_id = ?", params: [id], orderBy: "e.num" });
  if (own.length > 0 || !replays) return own;
  const [source] = await rows.byIds(Run, asPlatform, [replays.runId]);
  if (!source) return [];
  const keys = new Set(replays.keys);
  return (await stepsSoFar(rows, source)).filter(({ key, nodeKey }) => nodeKey != null && keys.has(key));
}
