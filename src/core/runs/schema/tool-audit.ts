import type { FilterQuery } from "@mikro-orm/core";
import type { Reach } from "../../database/viewer.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { connectionType, pageArgs, pageOf, type Page, type PageArgs } from "../../graphql/connections.ts";
import { inputNamed } from "../../graphql/extend.ts";
import { localIdOrNothing } from "../../graphql/ids.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Actor, actorOf } from "../../host/actors.ts";
import { ListScope } from "../../host/types.ts";
import { Run } from "../entities/run.ts";
import { ToolCallAudit } from "../entities/tool-audit.ts";
import { DecisionKind, ToolCallStatus } from "../types.ts";
import { contentReachOf, loadOne, loadRuns, rowsWithin, seesContent } from "./access.ts";

/** `ToolCallAuditFilter`: every field that is given must hold. */
export interface ToolCallAuditFilter {
  readonly tool?: string | null;
  readonly status?: readonly ToolCallStatus[] | null;
  readonly run?: string | null;
  readonly since?: Date | null;
  readonly until?: Date | null;
}

/** The graph of what tools were called. */
export function addToolAudit(builder: GraphBuilder): void {
  nodeType(builder, ToolCallAudit, {
    name: "ToolCallAudit",
    description:
      "That a tool was called: for whom, by whose leave and with what outcome. It outlives run and thread and holds none of their content.",
    ownership: { rule: "PRIVATE", admins: "AUDIT" },
    load: loadAudits,
    fields: (t) => ({
      toolName: t.exposeString("tool", { nullable: false, description: "The tool that was asked for, as it was named." }),
      sideEffects: t.exposeString("sideEffects", {
        description: "What a call of it changes, as SideEffects; null where there was no such tool.",
      }),
      argumentsHash: t.exposeString("argumentsHash", {
        description: "Of the arguments, as in Interrupt; null where they never were complete.",
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "For whom.",
        resolve: (audit, _, scope) => actorOf(scope, audit.ownerId),
      }),
      run: t.field({
        type: Run,
        description: "The run that called; null where it is gone.",
        resolve: (audit, _, scope) => loadOne<Run>(scope, loadRuns, audit.runId),
      }),
      targetType: t.exposeString("targetType", {
        nullable: false,
        description: "The type of what ran: Agent, or Tool where a person called.",
      }),
      targetName: t.exposeString("targetName", {
        nullable: false,
        description: "What ran, as it was called then: the agent's name, or the tool's.",
      }),
      status: t.field({ type: ToolCallStatus, nullable: false, description: "What came of it.", resolve: ({ status }) => status }),
      attempts: t.exposeInt("attempts", { nullable: false, description: "How often it was started; 0 where it never ran." }),
      decision: t.field({
        type: DecisionKind,
        description: "What a person decided about it last; null where nobody did.",
        resolve: (audit) => audit.decision ?? null,
      }),
      decidedBy: t.field({
        type: Actor,
        description: "Who decided.",
        resolve: (audit, _, scope) => (audit.decidedBy == null ? null : actorOf(scope, audit.decidedBy)),
      }),
      decidedAt: t.field({ type: "DateTime", description: "When.", resolve: (audit) => audit.decidedAt ?? null }),
      requestedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was asked for.",
        resolve: ({ requestedAt }) => requestedAt,
      }),
      startedAt: t.field({ type: "DateTime", description: "When it was last started.", resolve: (audit) => audit.startedAt ?? null }),
      finishedAt: t.field({ type: "DateTime", nullable: false, description: "When it ended.", resolve: ({ finishedAt }) => finishedAt }),
      durationMs: t.float({ description: "How long the tool worked at last.", resolve: ({ ms }) => ms ?? null }),
    }),
  });
  addList(builder);
}

function addList(builder: GraphBuilder): void {
  const filter = inputNamed<ToolCallAuditFilter>(builder, "ToolCallAuditFilter");
  builder.inputType(filter, {
    description: "Which calls: every field that is given must hold.",
    fields: (t) => ({
      tool: t.string({ description: "Of the tool of this name." }),
      status: t.field({ type: [ToolCallStatus], description: "With one of these outcomes." }),
      run: t.id({ description: "Of this run." }),
      since: t.field({ type: "DateTime", description: "That ended at this moment or later." }),
      until: t.field({ type: "DateTime", description: "That ended before this moment." }),
    }),
  });
  builder.queryField("toolCallAudits", (t) =>
    t.field({
      type: connectionType(builder, "ToolCallAudit", ToolCallAudit),
      description: "Finished calls of tools, newest first.",
      args: {
        scope: t.arg({
          type: ListScope,
          defaultValue: "MINE",
          description: "Whose; TENANT is for admins, who see those of others only with the role audit.",
        }),
        filter: t.arg({ type: filter, description: "Only these." }),
        ...pageArgs(t),
      },
      resolve: (_, { scope: whose, filter: only, ...args }, scope) => listAudits(scope, whose ?? "MINE", only, args) as never,
    }),
  );
}

const loadRows = rowsWithin(ToolCallAudit, contentReachOf);

async function loadAudits(ids: readonly string[], scope: Scope): Promise<unknown[]> {
  const rows = (await loadRows(ids, scope)) as (ToolCallAudit | undefined)[];
  for (const row of rows) if (row) seesContent(scope, row);
  return rows;
}

/** Admins who may not audit find their own. @throws FORBIDDEN for reach TENANT of a viewer who is no admin */
async function listAudits(
  scope: Scope,
  reach: Reach,
  filter: ToolCallAuditFilter | null | undefined,
  args: PageArgs,
): Promise<Page<ToolCallAudit>> {
  const em = scope.emWith(reach);
  const page = await pageOf(
    reach === "TENANT" && contentReachOf(scope) === "MINE" ? scope.em : em,
    ToolCallAudit,
    { $and: conditionsOf(filter ?? {}) },
    args,
    { finishedAt: "desc", id: "desc" },
  );
  for (const { node } of page.edges) seesContent(scope, node);
  return page;
}

function conditionsOf({ tool, status, run, since, until }: ToolCallAuditFilter): FilterQuery<ToolCallAudit>[] {
  return [
    ...(tool == null ? [] : [{ tool }]),
    ...(status ? [{ status: { $in: status.filter((each) => finals.includes(each)) } } as FilterQuery<ToolCallAudit>] : []),
    ...(run == null ? [] : [{ runId: localIdOrNothing("Run", run) ?? "" }]),
    ...(since == null ? [] : [{ finishedAt: { $gte: since.getTime() } }]),
    ...(until == null ? [] : [{ finishedAt: { $lt: until.getTime() } }]),
  ];
}

const finals: readonly ToolCallStatus[] = ["SUCCESS", "ERROR", "DENIED", "CANCELLED"];
