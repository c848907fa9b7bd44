import { z } from "zod";
import { approverProblems, localIdOrNothing, maxApprovers, WeftlineError, type Approvers, type QuestionOutcome } from "#weftline";
import type { NodeContext } from "../contract.ts";

const names = z.array(z.string().min(1)).max(maxApprovers).optional();

/** Who besides the run's owner may decide: actors by their ids in the graph, or within their tenant. */
export const approversSchema = z
  .strictObject({ roles: names, actors: names })
  .refine(({ roles = [], actors = [] }) => roles.length + actors.length > 0, "Name a role or an actor, or leave it out.");

/** The same as a question names them: actors by their ids within the tenant. @throws INVALID_INPUT for what an expression gave that is no name */
export function approversOf(given: z.output<typeof approversSchema> | undefined): { readonly approvers?: Approvers } {
  if (!given) return {};
  const [wrong] = approverProblems(given);
  if (wrong) throw new WeftlineError("INVALID_INPUT", { message: `${["approvers", ...wrong.path].join(".")}: ${wrong.message}` });
  const { roles = [], actors = [] } = given;
  return { approvers: { roles, actors: actors.map((id) => withinTenant(localIdOrNothing("Actor", id)) ?? id) } };
}

function withinTenant(nodeId: string | undefined): string | undefined {
  return nodeId?.slice(nodeId.indexOf("/") + 1);
}

/** The decision of a question. @throws NODE_EXPIRED where nobody answered in time, RUN_CANCELLED. */
export function decisionOf({ key }: NodeContext, outcome: QuestionOutcome) {
  if (outcome.status === "RESOLVED") return outcome.decision;
  throw outcome.status === "EXPIRED" ? new WeftlineError("NODE_EXPIRED", { node: key }) : new WeftlineError("RUN_CANCELLED");
}
