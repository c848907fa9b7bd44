import { WeftlineError } from "../../errors.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { localIdOrNothing } from "../../graphql/ids.ts";
import { perEvent } from "../../graphql/per-event.ts";
import type { Scope } from "../../graphql/scope.ts";
import { streamService } from "../contract.ts";
import type { Run } from "../entities/run.ts";
import { RunEvent } from "../event-types.ts";
import type { LoggedEvent } from "../events.ts";
import { loadOne, loadRuns, seesContent } from "./access.ts";

export function addSubscription(builder: GraphBuilder): void {
  builder.subscriptionField("runEvents", (t) =>
    t.field({
      type: RunEvent,
      nullable: false,
      description:
        "What happens in a run and in those below it. after null: a snapshot at the head, then live. after n: the rows after n, or one snapshot where they were " +
        "compacted. Ends after the run's last event. A connection that breaks cancels nothing: go on with the last seq.",
      args: {
        run: t.arg.id({ required: true, description: "The run." }),
        after: t.arg.int({ description: "The last seq that is known." }),
      },
      subscribe: (_, { run, after }, scope) => followRun(scope, String(run), after ?? null),
      resolve: (event) => event as never,
    }),
  );
}

/** A run whose events the viewer may see; nothing for any other id, whatever is wrong with it. */
async function watchable(scope: Scope, id: string): Promise<Run | undefined> {
  const run = await loadOne<Run>(scope, loadRuns, localIdOrNothing("Run", id));
  return run && seesContent(scope, run) ? run : undefined;
}

async function followRun(scope: Scope, id: string, after: number | null): Promise<AsyncIterableIterator<LoggedEvent>> {
  const run = await watchable(scope, id);
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  const events = await scope.use(streamService).follow({ streamNum: run.streamNum, after, runId: run.id });
  return perEvent(scope, events, async () => (await watchable(scope, id)) !== undefined);
}
