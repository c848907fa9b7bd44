import type { GraphBuilder } from "../../graphql/builder.ts";
import { localId } from "../../graphql/ids.ts";
import { runService } from "../contract.ts";
import { runResult } from "./mutations.ts";

/** The graph of pauses. */
export function addPause(builder: GraphBuilder): void {
  const paused = runResult(builder, "PauseRun", ["conflict"]);
  const resumed = runResult(builder, "ResumeRun", ["conflict"]);
  builder.mutationFields((t) => ({
    pauseRun: t.field({
      type: paused.type,
      nullable: false,
      description:
        "Pauses a run and all below it: at once where it is queued or waits, else where its turn ends in a wait. Decisions and signals are kept meanwhile; the deadline goes on.",
      args: { run: t.arg.id({ required: true, description: "The run." }) },
      resolve: (_, { run }, scope) =>
        paused.attempt(async () => ({ run: await scope.use(runService).pause(scope, localId("Run", String(run), ["run"])) })),
    }),
    resumeRun: t.field({
      type: resumed.type,
      nullable: false,
      description: "Lets a paused run and all below it go on. A pause that a run at work has not come to yet is taken back.",
      args: { run: t.arg.id({ required: true, description: "The run." }) },
      resolve: (_, { run }, scope) =>
        resumed.attempt(async () => ({ run: await scope.use(runService).resume(scope, localId("Run", String(run), ["run"])) })),
    }),
  }));
}
