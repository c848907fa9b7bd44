import { z } from "zod";
import { WeftlineError, type QuestionOutcome } from "#weftline";
import type { NodeContext } from "../contract.ts";

/** Who besides the run's owner may decide. */
export const approversSchema = z
  .strictObject({ roles: z.array(z.string().min(1)).max(50).optional(), actors: z.array(z.string().min(1)).max(50).optional() })
  .refine(({ roles = [], actors = [] }) => roles.length + actors.length > 0, "Name a role or an actor, or leave it out.");

/** The decision of a question. @throws NODE_EXPIRED where nobody answered in time, RUN_CANCELLED. */
export function decisionOf({ key }: NodeContext, outcome: QuestionOutcome) {
  if (outcome.status === "RESOLVED") return outcome.decision;
  throw outcome.status === "EXPIRED" ? new WeftlineError("NODE_EXPIRED", { node: key }) : new WeftlineError("RUN_CANCELLED");
}
