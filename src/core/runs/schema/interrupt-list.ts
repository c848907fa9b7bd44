import { raw, type FilterQuery } from "@mikro-orm/core";
import { namedIn } from "../approvers/entity.ts";
import { pageOfMine } from "../approvers/list.ts";
import type { Reach } from "../../database/viewer.ts";
import { hasRole } from "../../database/viewer.ts";
import { pageOf, type Page, type PageArgs } from "../../graphql/connections.ts";
import { localIdOrNothing } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Interrupt } from "../entities/message.ts";
import { InterruptKind, InterruptStatus } from "../types.ts";

const newestFirst = { createdAt: "desc", id: "desc" } as const;
const statuses = Object.values(InterruptStatus);

/** Which interrupts to list: every field that is given must hold. */
export interface InterruptFilter {
  readonly reach: Reach;
  readonly status?: readonly InterruptStatus[] | null | undefined;
  readonly kind?: readonly InterruptKind[] | null | undefined;
  readonly run?: string | null | undefined;
  readonly thread?: string | null | undefined;
  readonly decidable?: boolean | null | undefined;
}

/** A page of interrupts, newest first. */
export function listInterrupts(scope: Scope, filter: InterruptFilter, args: PageArgs): Promise<Page<Interrupt>> {
  const { reach, status, kind, run, thread, decidable } = filter;
  if (reach === "TENANT" || run != null || thread != null)
    return pageOf(scope.emWith(reach), Interrupt, conditionsOf(scope, filter), args, newestFirst);
  // All that is pending among these the viewer can decide.
  // But those about budgets, which are for admins.
  const others = (kind ?? Object.values(InterruptKind)).filter((each) => each !== "BUDGET");
  const kinds = decidable === true && !hasRole(scope.viewer, "admin") ? others : (kind ?? undefined);
  const wanted = (status ?? statuses).filter((each) => decidable == null || decidable === (each === "PENDING"));
  return pageOfMine(scope, { statuses: [...new Set(wanted)], kinds }, args);
}

function conditionsOf(scope: Scope, { reach, status, kind, run, thread, decidable }: InterruptFilter): FilterQuery<Interrupt> {
  const { viewer } = scope;
  const own = { ownerId: viewer.actorId, tenantId: viewer.tenantId } as const;
  const decidableNow = (): FilterQuery<Interrupt> =>
    ({
      status: "PENDING",
      $or: [{ ...own }, namedIn<Interrupt>(viewer)],
      ...(hasRole(viewer, "admin") ? {} : { kind: { $ne: "BUDGET" } }),
    }) as FilterQuery<Interrupt>;
  const conditions: FilterQuery<Interrupt>[] = [
    ...(status ? [{ status: { $in: [...status] } }] : []),
    ...(kind ? [{ kind: { $in: [...kind] } }] : []),
    // What is no id of such an object matches nothing.
    ...(run == null ? [] : [{ runId: localIdOrNothing("Run", run) ?? "" }]),
    ...(thread == null ? [] : [{ [raw(inStream, [localIdOrNothing("Thread", thread) ?? ""])]: [] }]),
    // An approver does not learn which thread a question comes from.
    ...(thread != null && reach === "MINE" ? [{ ...own }] : []),
    ...(decidable == null ? [] : [decidable ? decidableNow() : { $not: decidableNow() }]),
  ];
  return { $and: conditions };
}

const inStream = (alias: string): string => `${alias}.stream_num = (select num from runs_stream where id = ?)`;
