import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import type { WorkflowDefinition } from "./definition/types.ts";

const WorkflowSchema = defineEntity({
  name: "Workflow",
  tableName: "workflows_workflow",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    name: p.string(),
    description: p.text().nullable(),
    /** Name and description as they are searched: lower case, composed letters. */
    searchText: p.text(),
    archived: p.boolean(),
    /** The number of its newest {@link WorkflowVersion}. */
    version: p.integer(),
    /** The file or the plugin that it comes from; null for one that was made through the graph. */
    origin: p.string().nullable(),
    /** Of the newest version's definition, where it has an origin. */
    contentHash: p.string().nullable(),
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "name"] }],
  indexes: [{ properties: ["tenantId", "createdAt", "id"] }],
});

/** A workflow: what it is called, whether it takes runs, and which version of its definition they execute. */
export class Workflow extends WorkflowSchema.class {}
WorkflowSchema.setClass(Workflow);
export const workflowEntity = owned(WorkflowSchema, { rule: "SHARED" });

const WorkflowVersionSchema = defineEntity({
  name: "WorkflowVersion",
  tableName: "workflows_version",
  properties: (p) => ({
    /** See {@link versionIdOf}. */
    id: p.string().primary(),
    tenantId: p.string(),
    /** The workflow's owner. */
    ownerId: p.string(),
    workflowId: p.string(),
    version: p.integer(),
    definition: p.json<WorkflowDefinition>(),
    createdAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["workflowId", "version"] }],
});

/** One revision of a workflow's definition. It never changes, so a run that pinned it can be repeated. */
export class WorkflowVersion extends WorkflowVersionSchema.class {}
WorkflowVersionSchema.setClass(WorkflowVersion);
export const workflowVersionEntity = owned(WorkflowVersionSchema, { rule: "SHARED" });

/** The id of a version follows from what it is a version of, so that a workflow finds its newest one by its key. */
export const versionIdOf = (workflowId: string, version: number): string => `${workflowId}.${version}`;
