import type { GraphBuilder } from "../../graphql/builder.ts";
import { localId } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { idempotently } from "../../host/idempotency.ts";
import { runService } from "../contract.ts";
import type { Run } from "../entities/run.ts";
import { defineEventType } from "../event-types.ts";
import type { EventPayloads } from "../events.ts";
import { repeatable } from "./inputs.ts";
import { runNow, runResult } from "./mutations.ts";

/** The graph of signals: how a run is told something from outside. */
export function addSignals(builder: GraphBuilder): void {
  defineEventType<EventPayloads["signal.received"]>(builder, "SignalEvent", {
    kinds: ["signal.received"],
    of: "run",
    description: "A run was sent a signal.",
    fields: (t) => ({
      name: t.string({ nullable: false, description: "What it is called.", resolve: ({ payload }) => payload.name }),
      payload: t.field({ type: "JSON", description: "What it carries.", resolve: ({ payload }) => payload.payload ?? null }),
    }),
  });
  const signalled = runResult(builder, "SignalRun", ["conflict"]);
  builder.mutationField("signalRun", (t) =>
    t.field({
      type: signalled.type,
      nullable: false,
      description:
        "Sends a run a signal, for a node that waits for it now or later. Signals of one name are taken in the order in which they came. A run that has ended takes none.",
      args: {
        run: t.arg.id({ required: true, description: "The run." }),
        name: t.arg.string({ required: true, description: "What the signal is called, 1 to 100 characters." }),
        payload: t.arg({ type: "JSON", description: "What it carries, at most 64 KiB." }),
        idempotencyKey: t.arg.string({ description: repeatable }),
      },
      resolve: (_, args, scope) => signalled.attempt(() => signalRun(scope, args)),
    }),
  );
}

interface SignalArgs {
  readonly run: string;
  readonly name: string;
  readonly payload?: unknown;
  readonly idempotencyKey?: string | null | undefined;
}

async function signalRun(scope: Scope, { run, name, payload, idempotencyKey }: SignalArgs): Promise<{ readonly run: Run }> {
  const id = localId("Run", run, ["run"]);
  const request = { mutation: "signalRun", key: idempotencyKey, body: { run: id, name, payload }, path: ["idempotencyKey"] };
  await idempotently(scope, request, async (tx) => {
    await scope.use(runService).signal(tx, id, { name, payload });
    return { run: id };
  });
  return runNow(scope, id);
}
