import { defineEntity, raw, type FilterQuery } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";
import { principalsOf } from "../../database/principals.ts";
import type { Viewer } from "../../database/viewer.ts";

const ApproverSchema = defineEntity({
  name: "Approver",
  tableName: "runs_approver",
  properties: (p) => ({
    interruptId: p.string().primary(),
    /** Whom it names, as in `role:treasurer`. */
    principal: p.string().primary(),
    tenantId: p.string(),
    runId: p.string(),
    /** Of the interrupt, with its time: each principal's interrupts of one status stand in the order of lists. */
    status: p.enum(["PENDING", "RESOLVED", "EXPIRED", "CANCELLED"] as const),
    createdAt: p.bigint("number"),
  }),
  indexes: [{ properties: ["tenantId", "principal", "status", "createdAt", "interruptId"] }, { properties: ["runId", "principal"] }],
});

/** Whom an interrupt's policy names besides its owner. */
class Approver extends ApproverSchema.class {}
ApproverSchema.setClass(Approver);
export const approverEntity = owned(ApproverSchema, { rule: "INTERNAL" });

/** The interrupts whose policies name the viewer, by the roles that it holds now; those of other tenants, too. */
export function namedIn<Entity>(viewer: Viewer): FilterQuery<Entity> {
  const principals = principalsOf(viewer);
  const named = (alias: string): string =>
    `exists (select 1 from runs_approver g where g.interrupt_id = ${alias}.id and g.principal in (${principals.map(() => "?").join(", ")}))`;
  return { [raw(named, [...principals])]: [] } as FilterQuery<Entity>;
}
