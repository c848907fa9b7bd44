import { Actor, Run, RunTarget, actorOf, connectionType, nodeType, pageArgs, runTargetOf, loadRow, type GraphBuilder } from "#weftline";
import { Thread } from "#plugins/chat";
import { Schedule } from "../entities.ts";
import { lastRunOf, listSchedules, runsOf, upcomingOf } from "../service/list.ts";
import { loadSchedules, seesContent } from "../service/reach.ts";
import { MissedTicks, Overlap } from "../types.ts";

export function addSchedule(builder: GraphBuilder): void {
  nodeType(builder, Schedule, {
    name: "Schedule",
    description: "Starts a run by cron in a time zone, as its owner. Admins see that it exists, without its content.",
    ownership: { rule: "PRIVATE", admins: "STATUS" },
    load: loadSchedules,
    fields: (t) => ({
      name: t.string({
        nullable: false,
        description: "What it is called; empty for who does not see its content.",
        resolve: (schedule, _, scope) => (seesContent(scope, schedule) ? schedule.name : ""),
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Whose it is, and who its runs act as.",
        resolve: (schedule, _, scope) => actorOf(scope, schedule.ownerId),
      }),
      target: t.field({
        type: RunTarget,
        description: "What it runs; null where that is gone.",
        resolve: (schedule, _, scope) => runTargetOf(scope, schedule),
      }),
      input: t.field({
        type: "JSON",
        description: "What each run works on.",
        resolve: (schedule, _, scope) => (seesContent(scope, schedule) ? (schedule.input ?? null) : null),
      }),
      text: t.string({
        description: "What is said to each run.",
        resolve: (schedule, _, scope) => (seesContent(scope, schedule) ? (schedule.text ?? null) : null),
      }),
      thread: t.field({
        type: Thread,
        description: "The thread that its runs go into; null without one, and where it was deleted.",
        resolve: (schedule, _, scope) => loadRow(scope, Thread, schedule.threadId),
      }),
      cron: t.exposeString("cron", { nullable: false, description: "When it fires, in its time zone." }),
      timeZone: t.exposeString("timeZone", { nullable: false, description: "By the IANA database." }),
      missedTicks: t.field({
        type: MissedTicks,
        nullable: false,
        description: "What it does with ticks that came while the server was down.",
        resolve: (schedule) => schedule.missedTicks,
      }),
      overlap: t.field({
        type: Overlap,
        nullable: false,
        description: "What a tick does while a run before it is open.",
        resolve: (schedule) => schedule.overlap,
      }),
      enabled: t.exposeBoolean("enabled", { nullable: false, description: "Whether it fires." }),
      reason: t.string({
        description: "Why it was disabled; or, while it is enabled, why its last ticks started no run each.",
        resolve: (schedule, _, scope) =>
          schedule.reason == null || seesContent(scope, schedule) ? (schedule.reason ?? null) : "Its owner sees why.",
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: ({ createdAt }) => createdAt }),
      updatedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was last changed by a person.",
        resolve: ({ updatedAt }) => updatedAt,
      }),
    }),
  });
  addTimes(builder);
  builder.queryField("schedules", (t) =>
    t.field({
      type: connectionType(builder, "Schedule", Schedule),
      description: "The viewer's schedules, newest first.",
      args: pageArgs(t),
      resolve: (_, page, scope) => listSchedules(scope, page) as never,
    }),
  );
}

/** Its ticks and their runs. */
function addTimes(builder: GraphBuilder): void {
  builder.objectFields(Schedule, (t) => {
    const { first, after } = pageArgs(t);
    return {
      nextAt: t.field({
        type: "DateTime",
        description: "Its next tick; null while it is disabled.",
        resolve: (schedule) => schedule.nextAt ?? null,
      }),
      upcoming: t.field({
        type: ["DateTime"],
        nullable: false,
        description: "Its next ticks; none while it is disabled.",
        args: { first: t.arg.int({ defaultValue: 5, description: "How many, at most 50." }) },
        resolve: async (schedule, { first: count }, scope) => [...(await upcomingOf(scope, schedule, count ?? 5))],
      }),
      lastRun: t.field({
        type: Run,
        description: "The newest run that it started; null where that was deleted.",
        resolve: (schedule, _, scope) => lastRunOf(scope, schedule),
      }),
      runs: t.field({
        type: connectionType(builder, "Run", Run),
        description: "The runs that it started, newest first.",
        args: { first, after },
        resolve: (schedule, page, scope) => runsOf(scope, schedule, page) as never,
      }),
    };
  });
}
