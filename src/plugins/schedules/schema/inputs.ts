import { inputNamed, type GraphBuilder, type RunLimitsInput, type RunTargetRef } from "#weftline";
import type { CreateSchedule, UpdateSchedule } from "../service/inputs.ts";
import { MissedTicks, Overlap } from "../types.ts";

/** The inputs of schedules by their names, for those who use them. */
export function scheduleInputs(builder: GraphBuilder) {
  return {
    create: inputNamed<CreateSchedule>(builder, "CreateScheduleInput"),
    update: inputNamed<UpdateSchedule>(builder, "UpdateScheduleInput"),
    target: inputNamed<RunTargetRef>(builder, "RunTargetInput"),
    limits: inputNamed<RunLimitsInput>(builder, "RunLimitsInput"),
  };
}

const about = {
  name: "What it is called, 1 to 100 characters, unique among its owner's schedules.",
  target: "What to run.",
  input: "What each run works on; with text at most 256 KiB.",
  text: "What to say to each run; with input at most 256 KiB.",
  thread: "A thread of its owner that its runs go into, as messages do.",
  limits: "What each run may use up.",
  cron: 'Five fields, as in "30 2 * * 1-5": minute, hour, day of month, month, day of week. Or @hourly, @daily, @weekly, @monthly, @yearly.',
  timeZone: "By the IANA database, as in Europe/Berlin.",
  missedTicks: "What to do with ticks that came while the server was down.",
  overlap: "What a tick does while a run before it is open.",
} as const;

export function addInputs(builder: GraphBuilder): void {
  const inputs = scheduleInputs(builder);
  builder.inputType(inputs.create, {
    description: "A new schedule.",
    fields: (t) => ({
      name: t.string({ required: true, description: about.name }),
      target: t.field({ type: inputs.target, required: true, description: about.target }),
      input: t.field({ type: "JSON", description: about.input }),
      text: t.string({ description: about.text }),
      thread: t.id({ description: about.thread }),
      limits: t.field({ type: inputs.limits, description: about.limits }),
      cron: t.string({ required: true, description: about.cron }),
      timeZone: t.string({ defaultValue: "UTC", description: about.timeZone }),
      missedTicks: t.field({ type: MissedTicks, defaultValue: "RUN_ONCE", description: about.missedTicks }),
      overlap: t.field({ type: Overlap, defaultValue: "SKIP", description: about.overlap }),
      enabled: t.boolean({ defaultValue: true, description: "Whether it fires." }),
      idempotencyKey: t.string({
        description: "Makes it safe to send this again: for 24 hours the same key and body give the first answer.",
      }),
    }),
  });
  builder.inputType(inputs.update, {
    description: "A change of a schedule. What is left out stays; null clears input, text, thread and limits.",
    fields: (t) => ({
      schedule: t.id({ required: true, description: "Which schedule." }),
      name: t.string({ description: about.name }),
      target: t.field({ type: inputs.target, description: about.target }),
      input: t.field({ type: "JSON", description: about.input }),
      text: t.string({ description: about.text }),
      thread: t.id({ description: about.thread }),
      limits: t.field({ type: inputs.limits, description: about.limits }),
      cron: t.string({ description: about.cron }),
      timeZone: t.string({ description: about.timeZone }),
      missedTicks: t.field({ type: MissedTicks, description: about.missedTicks }),
      overlap: t.field({ type: Overlap, description: about.overlap }),
      enabled: t.boolean({
        description: "Whether it fires. true checks its target and thread again and clears its reason; ticks from before were not missed.",
      }),
    }),
  });
}
