import type { Scope } from "../graphql/scope.ts";
import { actingScopes } from "../host/acting-scopes.ts";
import { asPlatform } from "../database/rows.ts";
import { WeftlineError } from "../errors.ts";
import { cancelTree } from "./cancel.ts";
import { runTargets, type ProgramState } from "./contract.ts";
import { Interrupt } from "./entities/message.ts";
import { Run, Step } from "./entities/run.ts";
import { takeSignal } from "./signals/rows.ts";
import type { Stage } from "./stage.ts";
import { wholeSteps, withResult } from "./values/rows.ts";

/** So many steps with a time are read at once. */
const mostTimed = 1_000;

/** What a program finds of its run, during one turn. */
export function programState({ host, run, session, toolCalls, questions, wakes }: Stage): ProgramState {
  const { read, rows } = host.database;
  const ownerScope = (): Promise<Scope> => host.lookup.use(actingScopes).ofRun({ tenantId: run.tenantId, actorId: run.ownerId });
  const ofRun = { where: "e.run_id = ?", params: [run.id] };
  return {
    steps: async () => wholeSteps(read, await rows.all(Step, asPlatform, { ...ofRun, orderBy: "e.num" })),
    async replayed() {
      const { replays } = run.settings;
      if (!replays) return [];
      const keys = new Set(replays.keys);
      const steps = await rows.all(Step, asPlatform, { where: "e.run_id = ?", params: [replays.runId], orderBy: "e.num" });
      const taken = steps.filter(({ key, nodeKey }) => nodeKey != null && keys.has(key));
      // Else what they did would be done again, and nobody was asked.
      if (new Set(taken.map(({ key }) => key)).size < keys.size)
        throw new WeftlineError("NOT_FOUND", { what: "run that this one was forked from" });
      return wholeSteps(read, taken);
    },
    async children(ids) {
      const found = ids.length === 0 ? [] : await rows.byIds(Run, asPlatform, ids);
      return new Map(await Promise.all(found.map(async (child) => [child.id, await withResult(read, child)] as const)));
    },
    stepId: (step) => session.stepId(step),
    async due() {
      const timed = await read.all<{ id: string; ms: number }>(
        `select id, due_at - ${read.now} as ms from runs_step where run_id = ? and due_at is not null order by due_at limit ${mostTimed}`,
        run.id,
      );
      const ids = timed.flatMap(({ id, ms }) => (ms <= 0 ? [id] : []));
      return { ids, nextInMs: timed[ids.length]?.ms };
    },
    get nextWake() {
      return wakes.next;
    },
    async reload() {
      const row = await read.get<{ wakes: number }>("select wakes from runs_run where id = ?", run.id);
      const interrupts = await rows.all(Interrupt, asPlatform, { ...ofRun, orderBy: "e.created_at" });
      toolCalls.reload(interrupts);
      questions.reload(interrupts);
      const seen = row?.wakes ?? wakes.seen;
      const hasNews = seen !== wakes.seen;
      wakes.seen = seen;
      return hasNews;
    },
    async findTarget(field, value, given) {
      for (const { value: type } of host.lookup.contributions(runTargets).values()) {
        if (type.startable?.inputField !== field) continue;
        const { startable } = type;
        const scope = await ownerScope();
        const target = startable.check ? await startable.check(scope, value, given) : await startable.find(scope, value);
        return { targetType: type.typeName, target };
      }
      throw new WeftlineError("NOT_FOUND", { what: `type of target "${field}"` });
    },
    takeSignal: (stepId, name) => takeSignal(host.database, run, stepId, name),
    async cancel(ids, reason) {
      await host.database.commit(async (tx) => {
        for (const id of ids) await cancelTree(host.signals, tx, id, reason);
      }, "cancelChildren");
    },
  };
}
