import type { Scope } from "../graphql/scope.ts";
import { actingScopes } from "../host/acting-scopes.ts";
import { asPlatform } from "../database/rows.ts";
import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";
import { cancelTree } from "./cancel.ts";
import { runTargets } from "./contract.ts";
import { Interrupt } from "./entities/message.ts";
import { Run, Step } from "./entities/run.ts";
import { takeSignal } from "./signals/rows.ts";
import { stepsSoFar } from "./steps-so-far.ts";
import { toolRegistry } from "./tools.ts";
import { withdrawQuestions } from "./withdraw.ts";
import type { ProgramState } from "./program.ts";
import type { Stage } from "./stage.ts";
import { stepContent, withResult } from "./values/rows.ts";

/** So many steps with a time are read at once. */
const mostTimed = 1_000;

/** Names of tools whose calls ended with their run, or with one below it, while they ran; those aside that are runs themselves. */
async function cutCalls(read: Sql, runId: string): Promise<string[]> {
  const calls = await read.all<{ name: string }>(
    `with recursive tree (id) as (select ? union all select r.id from runs_run r join tree t on r.parent_id = t.id)
     select distinct c.name from tree t join runs_tool_call c on c.run_id = t.id
     where c.status = 'CANCELLED' and c.attempt > 0 and not exists
     (select 1 from runs_step s where s.run_id = c.run_id and s.key = 'tool/' || c.num and s.child_run_id is not null) order by c.name`,
    runId,
  );
  return calls.map(({ name }) => name);
}

/** What a program finds of its run, during one turn. */
export function programState({ host, run, session, toolCalls, questions, wakes }: Stage): ProgramState {
  const { read, rows } = host.database;
  const ownerScope = (): Promise<Scope> => host.lookup.use(actingScopes).ofRun({ tenantId: run.tenantId, actorId: run.ownerId });
  const ofRun = { where: "e.run_id = ?", params: [run.id] };
  return {
    steps: () => rows.all(Step, asPlatform, { ...ofRun, orderBy: "e.num" }),
    contentOf: (step) => stepContent(read, step),
    async replayed() {
      const { replays } = run.settings;
      if (!replays) return [];
      const keys = new Set(replays.keys);
      const [source] = await rows.byIds(Run, asPlatform, [replays.runId]);
      const steps = source ? await stepsSoFar({ rows, as: asPlatform }, source) : [];
      const taken = steps.filter(({ key, nodeKey }) => nodeKey != null && keys.has(key));
      // Else what they did would be done again, and nobody was asked.
      if (new Set(taken.map(({ key }) => key)).size < keys.size)
        throw new WeftlineError("NOT_FOUND", { what: "run that this one was forked from" });
      return taken;
    },
    async children(ids) {
      const found = ids.length === 0 ? [] : await rows.byIds(Run, asPlatform, ids);
      return new Map(await Promise.all(found.map(async (child) => [child.id, await withResult(read, child)] as const)));
    },
    stepId: (step) => session.stepId(step),
    async due() {
      const timed = await read.all<{ id: string; at: number; ms: number }>(
        `select id, due_at as at, due_at - ${read.now} as ms from runs_step where run_id = ? and due_at is not null order by due_at limit ${mostTimed}`,
        run.id,
      );
      const ids = timed.flatMap(({ id, ms }) => (ms <= 0 ? [id] : []));
      // Others may be due at the last one's time, where there are more than are read.
      const last = timed[ids.length - 1];
      if (last) wakes.dueSeen = ids.length < mostTimed ? last.at : last.at - 1;
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
    isBelow: run.parentId != null,
    async unknownOutcomes(childId) {
      const names = await cutCalls(read, childId);
      const registry = host.lookup.has(toolRegistry) ? host.lookup.use(toolRegistry) : undefined;
      return names.filter((name) => registry?.find(name)?.idempotent !== true);
    },
    askWhatBecame: (asked) => questions.askWhatBecame(asked),
    async withdraw(stepIds) {
      const calls = await withdrawQuestions(host, run, stepIds);
      for (const c of calls) session.append("tool.finished", { c, status: "CANCELLED", error: "Nobody waits for the call any more." });
    },
    async cancel(ids, reason) {
      await host.database.commit(async (tx) => {
        for (const id of ids) await cancelTree(host.signals, tx, id, reason);
      }, "cancelChildren");
    },
  };
}
