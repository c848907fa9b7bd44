import { globalId, resultType, type GraphBuilder } from "#weftline";
import { Schedule } from "../entities.ts";
import { scheduleEditor } from "../service/service.ts";
import { scheduleInputs } from "./inputs.ts";

function changed(builder: GraphBuilder, name: string) {
  return resultType<{ readonly schedule: Schedule }>(builder, name, {
    errors: ["conflict"],
    fields: (t) => ({
      schedule: t.field({
        type: Schedule,
        nullable: false,
        description: "The schedule as it is now.",
        resolve: ({ schedule }) => schedule,
      }),
    }),
  });
}

export function addMutations(builder: GraphBuilder): void {
  const inputs = scheduleInputs(builder);
  const created = changed(builder, "CreateSchedule");
  const updated = changed(builder, "UpdateSchedule");
  const removed = resultType<{ readonly id: string }>(builder, "RemoveSchedule", {
    fields: (t) => ({
      deletedScheduleId: t.id({
        nullable: false,
        description: "The schedule that is gone.",
        resolve: ({ id }) => globalId("Schedule", id),
      }),
    }),
  });
  builder.mutationFields((t) => ({
    createSchedule: t.field({
      type: created.type,
      nullable: false,
      description: "Makes a schedule. Its input is checked against the target as startRun does.",
      args: { input: t.arg({ type: inputs.create, required: true, description: "The schedule." }) },
      resolve: (_, { input }, scope) => created.attempt(async () => ({ schedule: await scope.use(scheduleEditor).create(scope, input) })),
    }),
    updateSchedule: t.field({
      type: updated.type,
      nullable: false,
      description: "Changes a schedule; for its owner.",
      args: { input: t.arg({ type: inputs.update, required: true, description: "The change." }) },
      resolve: (_, { input }, scope) => updated.attempt(async () => ({ schedule: await scope.use(scheduleEditor).update(scope, input) })),
    }),
    removeSchedule: t.field({
      type: removed.type,
      nullable: false,
      description: "Removes a schedule; for its owner. Its runs stay, and open ones go on.",
      args: { schedule: t.arg.id({ required: true, description: "Which schedule." }) },
      resolve: (_, { schedule }, scope) =>
        removed.attempt(async () => ({ id: await scope.use(scheduleEditor).remove(scope, String(schedule)) })),
    }),
  }));
}
