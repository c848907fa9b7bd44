import { databaseService } from "../../database/database.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Run } from "../entities/run.ts";
import type { LoggedEvent } from "../events.ts";
import { readRunEvents } from "../log.ts";
import { seesContent } from "./access.ts";

/** How many events one read brings at most. */
const maxEvents = 1_000;

interface Place {
  readonly seq: number;
  readonly head: number;
}

/** Where a run and its stream stand now, batched; nothing for a run that is gone. Ask only for runs that the viewer may see. */
function placeOf(scope: Scope, runId: string): Promise<Place | undefined> {
  const { read } = scope.use(databaseService);
  return scope.load(placeOf, runId, (runIds) =>
    Promise.all(runIds.map((id) => read.get<Place>("select r.seq, s.head from runs_run r join runs_stream s on s.num = r.stream_num where r.id = ?", id))),
  );
}

/**
 * The seq from which a client goes on that was given this row: the stream's head, or, where the run has changed since the row was read, the
 * row's own, so that the change is among the events that follow.
 */
export async function lastSeqOf(scope: Scope, run: Run): Promise<number> {
  const place = await placeOf(scope, run.id);
  return place?.seq === run.seq ? place.head : run.seq;
}

/**
 * Events of the run itself, in order, as far as the log keeps them; null where the viewer may not see them.
 *
 * @throws INVALID_CURSOR for a seq that the server never gave; INVALID_INPUT for a page of another size than 0 to 1,000.
 */
export async function eventsOf(
  scope: Scope,
  run: Run,
  { after, first }: { readonly after?: number | null | undefined; readonly first?: number | null | undefined },
): Promise<LoggedEvent[] | null> {
  if (!seesContent(scope, run)) return null;
  const limit = first ?? 100;
  if (limit < 0 || limit > maxEvents) throw new WeftlineError("INVALID_INPUT", { path: ["first"], message: `A page holds 0 to ${maxEvents} events.` });
  const from = after ?? 0;
  const head = (await placeOf(scope, run.id))?.head ?? 0;
  if (from < 0 || from > head) throw new WeftlineError("INVALID_CURSOR", { cursor: String(from), path: ["after"] });
  return readRunEvents(scope.use(databaseService).read, run, { after: from, limit, kinds: "all" });
}
