import { serviceRef, type Scope } from "#weftline";
import type { Schedule } from "../entities.ts";
import { createSchedule, removeSchedule, updateSchedule } from "./edit.ts";
import type { SchedulesHost } from "./host.ts";
import type { CreateSchedule, UpdateSchedule } from "./inputs.ts";

/** What the graph of schedules needs. */
export interface ScheduleEditor {
  create(scope: Scope, input: CreateSchedule): Promise<Schedule>;
  update(scope: Scope, input: UpdateSchedule): Promise<Schedule>;
  /** @returns its id in the database. */
  remove(scope: Scope, schedule: string): Promise<string>;
}

export const scheduleEditor = serviceRef<ScheduleEditor>("schedules.editor");

export function createScheduleEditor(host: SchedulesHost): ScheduleEditor {
  return {
    create: (scope, input) => createSchedule(host, scope, input),
    update: (scope, input) => updateSchedule(host, scope, input),
    remove: (scope, schedule) => removeSchedule(host, scope, schedule),
  };
}
