import { actingScopes, changesService, databaseService, definePlugin, modelMeter, optional, runService } from "#weftline";
import { chatService } from "#plugins/chat";
import { schedulesConfig } from "./config.ts";
import { scheduleEntity, type Schedule } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { addSchedulesSchema } from "./schema/index.ts";
import { createScheduleEditor, scheduleEditor } from "./service/service.ts";
import { fireTick } from "./service/tick.ts";
import { ScheduleTimer } from "./service/timer.ts";

/**
 * Schedules: runs that start by cron in a time zone, as their owner.
 *
 * @example defineConfig({ plugins: [agents(), chat(), schedules({ perOwner: 20 })] })
 */
export const schedules = definePlugin({
  id: "schedules",
  description: "Starts runs by cron in a time zone, as their owner.",
  config: schedulesConfig,
  requires: {
    database: databaseService,
    changes: changesService,
    acting: actingScopes,
    runs: runService,
    chat: chatService,
    meter: optional(modelMeter),
  },
  provides: { editor: scheduleEditor },
  entities: [scheduleEntity],
  migrations,
  schema: addSchedulesSchema,
  setup: ({ config, deps, log, onReady, onClose }) => {
    const { database, changes, acting, meter } = deps;
    const host = { config, database, changes, acting, log, meter, wake: () => timer.wake() };
    const fire = (schedule: Schedule, signal: AbortSignal) => fireTick(host, schedule, signal);
    const timer: ScheduleTimer = new ScheduleTimer({ database, log, pollMs: config.pollMs, fire });
    onReady(() => timer.start());
    onClose(() => timer.close());
    return { editor: createScheduleEditor(host) };
  },
});
