import { databaseService } from "../../database/database.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Run } from "../entities/run.ts";
import type { LoggedEvent } from "../events.ts";
import { readRunEvents } from "../log.ts";
import { seesContent } from "./access.ts";

/** How many events one read brings at most. */
const maxEvents = 1_000;

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
  if (limit < 0 || limit > maxEvents)
    throw new WeftlineError("INVALID_INPUT", { path: ["first"], message: `A page holds 0 to ${maxEvents} events.` });
  const from = after ?? 0;
  if (from < 0 || from > run.lastSeq) throw new WeftlineError("INVALID_CURSOR", { cursor: String(from), path: ["after"] });
  return readRunEvents(scope.use(databaseService).read, run, { after: from, limit, kinds: "all" });
}
