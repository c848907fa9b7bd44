import { Cron } from "croner";

/** When a schedule fires. */
export interface CronTime {
  /** Five fields (minute, hour, day of month, month, day of week), or a nickname as `@daily`. */
  readonly cron: string;
  /** By the IANA database, as in `Europe/Berlin`. */
  readonly timeZone: string;
}

/** The longest expression, in characters. */
const maxCron = 256;
/** The longest name of a time zone, in characters. */
const maxZone = 64;

/**
 * Reads an expression. Where the minute and the hour are numbers, lists or ranges, a time that daylight saving skips fires once, right after the
 * gap, and a time that comes twice fires the first time. Where one of them has `*` or a step, the expression is an interval by the clock on the
 * wall: it skips the gap and goes on through the hour that comes twice. Vixie cron tells the two apart in the same way.
 */
function read({ cron, timeZone }: CronTime): Cron {
  return new Cron(cron.trim(), { mode: "5-part", timezone: timeZone, fixedTimeRule: "no-wildcard", paused: true });
}

/** What is wrong with an expression, for people. */
export function cronProblem(cron: string): string | undefined {
  if (cron.length > maxCron) return `At most ${maxCron} characters.`;
  const text = cron.trim();
  const fields = text === "" ? 0 : text.split(/\s+/).length;
  if (!text.startsWith("@") && fields !== 5) {
    const seconds = fields === 6 ? " Seconds cannot be set: a schedule fires once a minute at most." : "";
    return `Five fields (minute, hour, day of month, month, day of week), as in "30 2 * * 1-5"; this has ${fields}.${seconds}`;
  }
  try {
    read({ cron, timeZone: "UTC" });
    return text.startsWith("@") || comesOnce(text) ? undefined : "It never fires: there is no such day.";
  } catch (error) {
    return `Not a cron expression: ${(error as Error).message.replace(/^Cron(Pattern|Date)?: /, "").replace(/\.$/, "")}.`;
  }
}

/** Whether five fields come to a day in the 28 years after which days of the week and leap years repeat: looked at without end, it takes long. */
function comesOnce(fields: string): boolean {
  return new Cron(`0 ${fields} 2000-2027`, { mode: "7-part", timezone: "UTC", paused: true }).nextRun(new Date(0)) !== null;
}

/** What is wrong with a time zone, for people. */
export function timeZoneProblem(timeZone: string): string | undefined {
  const message = 'Not an IANA time zone. Examples: "Europe/Berlin", "UTC".';
  // Offsets as +02:00 have no daylight saving and are no names.
  if (timeZone.length > maxZone || !/^[A-Za-z]/.test(timeZone)) return message;
  try {
    Intl.DateTimeFormat("en", { timeZone });
    return undefined;
  } catch {
    return message;
  }
}

/** The first tick after a moment; times in milliseconds since 1970. */
export function nextTick(when: CronTime, after: number): number | undefined {
  return read(when).nextRun(new Date(after))?.getTime();
}

/** The ticks after a moment, one after the other, each found when it is asked for. */
export function* ticksAfter(when: CronTime, after: number): Generator<number, void> {
  const cron = read(when);
  for (let tick = cron.nextRun(new Date(after)); tick; tick = cron.nextRun(tick)) yield tick.getTime();
}

/** The newest ticks from one moment to another, both included, oldest first. */
export function lastTicks(
  when: CronTime,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): number[] {
  const cron = read(when);
  let found: number[] = [];
  // A few at first: rare ticks from long before the first moment take long to find.
  for (let count = 2; ; count *= 4) {
    // It looks before a whole second, so one tick of the next may be found.
    const wanted = Math.min(count, most + 1);
    found = cron.previousRuns(wanted, new Date(to + 1_000)).map((tick) => tick.getTime());
    if (found.length < wanted || wanted > most || Math.min(...found) < from) break;
  }
  return found
    .filter((tick) => tick >= from && tick <= to)
    .toSorted((a, b) => a - b)
    .slice(-most);
}
