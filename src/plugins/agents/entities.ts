import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import type { AgentDefinition } from "./types.ts";

const AgentSchema = defineEntity({
  name: "Agent",
  tableName: "agents_agent",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    name: p.string(),
    description: p.text().nullable(),
    /** Name and description as they are searched: lower case, composed letters. */
    searchText: p.text(),
    status: p.enum(["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"] as const),
    /** The number of its newest {@link AgentVersion}. */
    version: p.integer(),
    /** The template that it was made from. */
    templateName: p.string().nullable(),
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "name"] }],
  indexes: [{ properties: ["tenantId", "createdAt", "id"] }],
});

/** A durable agent: what it is called, whether it takes runs, and which version of its definition they execute. */
export class Agent extends AgentSchema.class {}
AgentSchema.setClass(Agent);
export const agentEntity = owned(AgentSchema, { rule: "SHARED" });

const AgentVersionSchema = defineEntity({
  name: "AgentVersion",
  tableName: "agents_version",
  properties: (p) => ({
    /** See {@link versionIdOf}. */
    id: p.string().primary(),
    tenantId: p.string(),
    /** The agent's owner. */
    ownerId: p.string(),
    agentId: p.string(),
    version: p.integer(),
    definition: p.json<AgentDefinition>(),
    note: p.text().nullable(),
    createdAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["agentId", "version"] }],
});

/** One revision of an agent's definition. It never changes, so a run that pinned it can be repeated. */
export class AgentVersion extends AgentVersionSchema.class {}
AgentVersionSchema.setClass(AgentVersion);
export const agentVersionEntity = owned(AgentVersionSchema, { rule: "SHARED" });

/** The id of a version follows from what it is a version of, so that an agent finds its newest one by its key. */
export const versionIdOf = (agentId: string, version: number): string => `${agentId}.${version}`;
