import { setImmediate as nextTurn } from "node:timers/promises";
import { Run, WeftlineError, listRuns, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import { ticksAfter, type CronTime } from "../cron/cron.ts";
import { Schedule } from "../entities.ts";
import { reachOf } from "./reach.ts";

/** The most ticks to come that are shown of one schedule. */
const mostUpcoming = 50;

/** The viewer's schedules, newest first. */
export function listSchedules(scope: Scope, page: PageArgs): Promise<Page<Schedule>> {
  return pageOf(scope.em, Schedule, {}, page, { createdAt: "desc", id: "desc" });
}

/** The runs that a schedule started, newest first, as far as the viewer may see them. */
export function runsOf(scope: Scope, { id }: Schedule, page: PageArgs): Promise<Page<Run>> {
  return listRuns(scope, { reach: reachOf(scope), where: { scheduleId: id } }, page);
}

/** The newest run that a schedule started, batched; null where it was deleted. */
export async function lastRunOf(scope: Scope, { lastRunId }: Schedule): Promise<Run | null> {
  if (lastRunId == null) return null;
  const load = async (ids: readonly string[]): Promise<readonly (Run | undefined)[]> => {
    const rows = await scope.rowsById(Run, ids, reachOf(scope));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  };
  return (await scope.load(lastRunOf, lastRunId, load)) ?? null;
}

/**
 * The next ticks, in milliseconds since 1970; none while it is disabled.
 *
 * @throws INVALID_INPUT for more than 50.
 */
export async function upcomingOf(scope: Scope, schedule: Schedule, first: number): Promise<readonly number[]> {
  if (first < 0 || first > mostUpcoming) {
    const message = `At most ${mostUpcoming} ticks.`;
    throw new WeftlineError("INVALID_INPUT", { path: ["first"], message, issues: [{ path: ["first"], message }] });
  }
  const { nextAt } = schedule;
  if (nextAt == null) return [];
  // Once a request, however often it is selected: to find a rare tick takes a while, so others go between.
  const { cron, timeZone } = schedule;
  const known = await scope.load(upcomingOf, JSON.stringify({ cron, timeZone, nextAt } satisfies Beginning), upcomingFrom);
  return known?.take(first) ?? [];
}

interface Beginning extends CronTime {
  readonly nextAt: number;
}

async function upcomingFrom(beginnings: readonly string[]): Promise<Upcoming[]> {
  return beginnings.map((text) => new Upcoming(JSON.parse(text) as Beginning));
}

class Upcoming {
  readonly #found: number[];
  readonly #more: Iterator<number, void>;

  constructor(beginning: Beginning) {
    this.#found = [beginning.nextAt];
    this.#more = ticksAfter(beginning, beginning.nextAt);
  }

  async take(count: number): Promise<readonly number[]> {
    while (this.#found.length < count) {
      await nextTurn();
      const next = this.#more.next();
      if (next.done) break;
      this.#found.push(next.value);
    }
    return this.#found.slice(0, count);
  }
}
