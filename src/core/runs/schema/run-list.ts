import type { FilterQuery } from "@mikro-orm/core";
import type { Reach } from "../../database/viewer.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { connectionType, pageArgs, pageOf, type Page, type PageArgs } from "../../graphql/connections.ts";
import { inputNamed } from "../../graphql/extend.ts";
import { localIdOrNothing, parseGlobalId } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { actorNamed } from "../../host/actors.ts";
import { ListScope, Provenance } from "../../host/types.ts";
import { Run } from "../entities/run.ts";
import { RunStatus, RunTrigger } from "../types.ts";
import { loadOne, loadRuns } from "./access.ts";
import { holdsMetadata } from "./metadata.ts";

/** `RunFilter`: every field that is given must hold. */
export interface RunFilter {
  readonly status?: readonly RunStatus[] | null;
  readonly target?: string | null;
  readonly agent?: string | null;
  readonly workflow?: string | null;
  readonly thread?: string | null;
  /** The plugin that has schedules adds the field. */
  readonly schedule?: string | null;
  readonly owner?: string | null;
  readonly provenance?: Provenance | null;
  readonly trigger?: readonly RunTrigger[] | null;
  readonly rootOnly?: boolean | null;
  readonly since?: Date | null;
  readonly until?: Date | null;
  readonly metadata?: unknown;
}

/** Which runs to list. */
export interface RunList {
  /** Whose; the viewer's own by default. */
  readonly reach?: Reach;
  /** What else must hold, as `{ targetId: agent.id }`. */
  readonly where?: FilterQuery<Run>;
  readonly filter?: RunFilter | null | undefined;
  /** Which comes first; the newest by default. */
  readonly from?: "newest" | "oldest";
}

/**
 * A page of runs, newest first by default.
 *
 * @throws FORBIDDEN for reach TENANT of a viewer who is no admin, INVALID_INPUT for metadata that no run can have.
 * @example resolve: (agent, { filter, ...args }, scope) => listRuns(scope, { where: { targetId: agent.id }, filter }, args)
 */
export function listRuns(
  scope: Scope,
  { reach = "MINE", where = {}, filter, from = "newest" }: RunList,
  args: PageArgs,
): Promise<Page<Run>> {
  const conditions = { $and: [where, ...(filter ? conditionsOf(scope, reach, filter) : [])] } as FilterQuery<Run>;
  const direction = from === "newest" ? "desc" : "asc";
  return pageOf(scope.emWith(reach), Run, conditions, args, { createdAt: direction, id: direction });
}

/** What must hold of the runs that a filter asks for. @throws INVALID_INPUT for metadata that no run can have. */
export function conditionsOf(scope: Scope, reach: Reach, filter: RunFilter): FilterQuery<Run>[] {
  const { status, target, agent, workflow, thread, schedule, owner, provenance, trigger, rootOnly, since, until, metadata } = filter;
  return [
    ...(status ? [{ status: { $in: [...status] } }] : []),
    ...(target == null ? [] : [anyTarget(target)]),
    ...(agent == null ? [] : [targetIs("Agent", agent)]),
    ...(workflow == null ? [] : [targetIs("Workflow", workflow)]),
    ...(thread == null ? [] : [ifKnown("Thread", thread, (id) => ({ threadId: id }))]),
    ...(schedule == null ? [] : [ifKnown("Schedule", schedule, (id) => ({ scheduleId: id }))]),
    ...(owner == null ? [] : [ownedBy(actorNamed(scope, owner))]),
    ...(provenance == null ? [] : [{ provenance }]),
    ...(trigger ? [{ trigger: { $in: [...trigger] } }] : []),
    ...(rootOnly ? [{ parentId: null }] : []),
    ...(since == null ? [] : [{ createdAt: { $gte: since.getTime() } }]),
    ...(until == null ? [] : [{ createdAt: { $lt: until.getTime() } }]),
    ...(metadata == null ? [] : holdsMetadata(scope, metadata, reach)),
  ];
}

/** Whatever type of thing it is: what is no target has no runs. */
function anyTarget(id: string): FilterQuery<Run> {
  const target = parseGlobalId(id);
  return target ? { targetType: target.typeName, targetId: target.id } : nothing();
}

function targetIs(targetType: string, id: string): FilterQuery<Run> {
  return ifKnown(targetType, id, (targetId) => ({ targetType, targetId }));
}

function ownedBy(actorId: string | undefined): FilterQuery<Run> {
  return actorId === undefined ? nothing() : { ownerId: actorId };
}

/** What no object has for its id matches nothing, like the id of an object without runs. */
function ifKnown(typeName: string, id: string, condition: (localId: string) => FilterQuery<Run>): FilterQuery<Run> {
  const local = localIdOrNothing(typeName, id);
  return local === undefined ? nothing() : condition(local);
}

/** The ORM writes into conditions, so that each is its own. */
const nothing = (): FilterQuery<Run> => ({ id: { $in: [] } });

export function addRunList(builder: GraphBuilder): void {
  const filter = inputNamed<RunFilter>(builder, "RunFilter");
  builder.inputType(filter, {
    description: "Which runs: every field that is given must hold.",
    fields: (t) => ({
      status: t.field({ type: [RunStatus], description: "In one of these states." }),
      target: t.id({ description: "Of this agent, tool, job or other target." }),
      agent: t.id({ description: "Of this agent." }),
      workflow: t.id({ description: "Of this workflow." }),
      thread: t.id({ description: "Of this thread." }),
      owner: t.id({ description: "Of this actor; others than the viewer with scope TENANT." }),
      provenance: t.field({ type: Provenance, description: "With answers from there." }),
      trigger: t.field({ type: [RunTrigger], description: "Started by one of these." }),
      rootOnly: t.boolean({ description: "Without those that another run started." }),
      since: t.field({ type: "DateTime", description: "Asked for at this moment or later." }),
      until: t.field({ type: "DateTime", description: "Asked for before this moment." }),
      metadata: t.field({
        type: "JSON",
        description:
          "With metadata that holds these members, with equal values. With scope TENANT only own runs match without the role audit.",
      }),
    }),
  });
  const RunConnection = connectionType(builder, "Run", Run);
  builder.queryFields((t) => ({
    run: t.field({
      type: Run,
      description: "One run; null where it does not exist or belongs to another. Admins find those of their tenant, without content.",
      args: { id: t.arg.id({ required: true, description: "The run's id." }) },
      resolve: (_, { id }, scope) => loadOne<Run>(scope, loadRuns, localIdOrNothing("Run", String(id))),
    }),
    runs: t.field({
      type: RunConnection,
      description: "Runs, newest first.",
      args: {
        scope: t.arg({
          type: ListScope,
          defaultValue: "MINE",
          description: "Whose runs; TENANT is for admins, who see content only with the role audit.",
        }),
        filter: t.arg({ type: filter, description: "Only these." }),
        ...pageArgs(t),
      },
      resolve: (_, { scope: whose, filter: only, ...args }, scope) =>
        listRuns(scope, { reach: whose ?? "MINE", filter: only }, args) as never,
    }),
  }));
}
