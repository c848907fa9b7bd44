import { describe, expect, it } from "vitest";
import { cronProblem, lastTicks, nextTick, ticksAfter, timeZoneProblem } from "../../../src/plugins/schedules/cron/cron.ts";
import { decideTick, type DueSchedule } from "../../../src/plugins/schedules/cron/due.ts";

const at = (text: string): number => Date.parse(text);
const shown = (ticks: readonly number[]): string[] => ticks.map((tick) => new Date(tick).toISOString().slice(0, 16));

function first(count: number, cron: string, timeZone: string, after: string): string[] {
  return shown([...ticksAfter({ cron, timeZone }, at(after)).take(count)]);
}

describe("ticks", () => {
  it.each([
    // In March, Berlin's clock goes from 02:00 to 03:00 at 01:00Z; in October from 03:00 back to 02:00 at 01:00Z.
    [
      "a time in the gap fires once, right after it",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T02:00Z",
      ["2026-03-29T01:00", "2026-03-30T00:30"],
    ],
    [
      "a list fires once for all its times in the gap",
      "0,30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T02:00Z",
      ["2026-03-29T01:00", "2026-03-30T00:00"],
    ],
    [
      "a time in the gap and the time after it are one tick",
      "0 2,3 * * *",
      "Europe/Berlin",
      "2026-03-28T22:00Z",
      ["2026-03-29T01:00", "2026-03-30T00:00"],
    ],
    ["an interval skips the gap", "*/30 2 * * *", "Europe/Berlin", "2026-03-28T02:00Z", ["2026-03-30T00:00", "2026-03-30T00:30"]],
    ["an hourly one goes on through the gap", "30 * * * *", "Europe/Berlin", "2026-03-28T23:45Z", ["2026-03-29T00:30", "2026-03-29T01:30"]],
    [
      "a time that comes twice fires the first time",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T02:00Z",
      ["2026-10-25T00:30", "2026-10-26T01:30"],
    ],
    [
      "a range fires once in the hour that comes twice",
      "0 1-3 * * *",
      "Europe/Berlin",
      "2026-10-24T22:00Z",
      ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T02:00"],
    ],
    [
      "an interval fires in both",
      "30 * * * *",
      "Europe/Berlin",
      "2026-10-24T23:45Z",
      ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"],
    ],
    [
      "a gap of half an hour shifts by its length",
      "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-03T00:00Z",
      ["2026-10-03T15:30", "2026-10-04T15:15"],
    ],
    ["a day that a zone left out is left out", "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00Z", ["2011-12-29T22:00", "2011-12-30T22:00"]],
    ["midnight in the gap fires at one", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00Z", ["2018-11-04T03:00", "2018-11-05T02:00"]],
    ["29 February comes in leap years", "0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00"]],
    ["@daily is midnight of the zone", "@daily", "Asia/Tokyo", "2026-01-01T00:00Z", ["2026-01-01T15:00", "2026-01-02T15:00"]],
    ["a day of the month or of the week is enough", "0 9 1 * MON", "UTC", "2026-05-30T00:00Z", ["2026-06-01T09:00", "2026-06-08T09:00"]],
  ])("%s", (_, cron, timeZone, after, expected) => {
    expect(first(expected.length, cron, timeZone, after)).toEqual(expected);
  });

  it("are after the moment that they are asked for, and looked up backwards are the same", () => {
    for (const [cron, timeZone] of [
      ["30 2 * * *", "Europe/Berlin"],
      ["0 1-4 * * *", "Europe/Berlin"],
      ["*/15 * * * *", "America/New_York"],
    ] as const) {
      for (const [from, to] of [
        ["2026-03-07T00:00Z", "2026-04-02T00:00Z"],
        ["2026-10-24T00:00Z", "2026-11-03T00:00Z"],
      ] as const) {
        const forwards = takeUntil({ cron, timeZone }, at(from) - 1, at(to));
        expect(lastTicks({ cron, timeZone }, { from: at(from), to: at(to) - 1, most: forwards.length + 10 })).toEqual(forwards);
        expect(nextTick({ cron, timeZone }, forwards[3] ?? 0)).toBe(forwards[4]);
        expect(lastTicks({ cron, timeZone }, { from: 0, to: forwards[4] ?? 0, most: 2 })).toEqual(forwards.slice(3, 5));
        expect(lastTicks({ cron, timeZone }, { from: 0, to: (forwards[4] ?? 0) - 1, most: 2 })).toEqual(forwards.slice(2, 4));
      }
    }
  });
});

function takeUntil(when: { cron: string; timeZone: string }, from: number, to: number): number[] {
  const found: number[] = [];
  for (const tick of ticksAfter(when, from)) {
    if (tick >= to) break;
    found.push(tick);
  }
  return found;
}

describe("an expression", () => {
  it.each([
    ["* * * * * *", "this has 6. Seconds cannot be set: a schedule fires once a minute at most."],
    ["* * * *", "this has 4."],
    ["", "this has 0."],
    ["* * * * * * *", "this has 7."],
    ["2027-01-01T00:00:00", "this has 1."],
    ["61 * * * *", "Not a cron expression: Invalid value for minute: 61."],
    ["* * * * FOO", "Not a cron expression: "],
    ["*/0 * * * *", "Not a cron expression: "],
    ["0 0 30 2 *", "It never fires: there is no such day."],
    ["0 0 31 4,6,9,11 *", "It never fires: there is no such day."],
    ["@reboot", "Not a cron expression: "],
    ["@every 5m", "Not a cron expression: "],
    [`${"0,".repeat(200)}0 * * * *`, "At most 256 characters."],
  ])("%j is refused", (cron, problem) => {
    expect(cronProblem(cron)).toContain(problem);
  });

  it.each(["* * * * *", " 0  9 * * 1-5 ", "0 9 L * *", "0 9 * * FRI#2", "0 9 15W * *", "@hourly", "0 0 29 2 *", "5 4 * JAN-MAR sun"])(
    "%j is taken",
    (cron) => {
      expect(cronProblem(cron)).toBeUndefined();
    },
  );
});

it("time zones are names of the IANA database", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Asia/Calcutta", "Asia/Kolkata"])
    expect(timeZoneProblem(zone), zone).toBeUndefined();
  for (const zone of ["", "+02:00", "-05", "Mars/Olympus", "Europe/Berlin ", "Europe/Berlin\0", `A${"a".repeat(100)}`])
    expect(timeZoneProblem(zone), zone).toContain("IANA");
});

describe("a due tick", () => {
  const hourly = (missedTicks: DueSchedule["missedTicks"]): DueSchedule => ({
    cron: "0 * * * *",
    timeZone: "UTC",
    missedTicks,
    nextAt: at("2026-01-01T10:00Z"),
  });
  const decided = (schedule: DueSchedule, now: string, most = 100) => {
    const due = decideTick(schedule, at(now), most);
    const moment = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString().slice(11, 16));
    return due && { tick: moment(due.tick), next: moment(due.next), ...(due.leftOut === undefined ? {} : { leftOut: due.leftOut }) };
  };
  const every = ["SKIP", "RUN_ONCE", "RUN_ALL"] as const;

  it("is none before its time, and on time for a minute", () => {
    for (const policy of every) {
      expect(decided(hourly(policy), "2026-01-01T09:59:59.999Z")).toBeUndefined();
      expect(decided(hourly(policy), "2026-01-01T10:00:00Z")).toEqual({ tick: "10:00", next: "11:00" });
      expect(decided(hourly(policy), "2026-01-01T10:00:59.999Z")).toEqual({ tick: "10:00", next: "11:00" });
    }
  });

  it("starts nothing under SKIP where it was missed; the newest one starts where it is on time", () => {
    const leftOut = "Ticks from 2026-01-01T10:00Z on were missed and are not made up for.";
    expect(decided(hourly("SKIP"), "2026-01-01T10:01Z")).toEqual({ tick: undefined, next: "11:00", leftOut });
    expect(decided(hourly("SKIP"), "2026-01-01T13:30Z")).toEqual({ tick: undefined, next: "14:00", leftOut });
    expect(decided(hourly("SKIP"), "2026-01-01T13:00:10Z")).toEqual({ tick: "13:00", next: "14:00", leftOut });
  });

  it("starts one run for all that were missed under RUN_ONCE", () => {
    expect(decided(hourly("RUN_ONCE"), "2026-01-01T10:30Z")).toEqual({ tick: "10:00", next: "11:00" });
    const leftOut = "One run was started for all ticks since 2026-01-01T10:00Z.";
    expect(decided(hourly("RUN_ONCE"), "2026-01-01T13:30Z")).toEqual({ tick: "13:00", next: "14:00", leftOut });
    expect(decided({ ...hourly("RUN_ONCE"), cron: "* * * * *" }, "2026-06-01T00:00:30Z")).toMatchObject({ tick: "00:00", next: "00:01" });
  });

  it("starts a run each under RUN_ALL, oldest first, and leaves out what is older than the newest that are made up for", () => {
    expect(decided(hourly("RUN_ALL"), "2026-01-01T13:30Z")).toEqual({ tick: "10:00", next: "11:00" });
    const leftOut = "Ticks from 2026-01-01T10:00Z until before 2026-01-01T12:00Z were left out: the newest 2 are made up for.";
    expect(decided(hourly("RUN_ALL"), "2026-01-01T13:30Z", 2)).toEqual({ tick: "12:00", next: "13:00", leftOut });
  });
});
