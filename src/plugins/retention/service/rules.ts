import type { RetentionRule } from "#weftline";
import type { RetentionPolicy } from "../entities.ts";

/** The name of the job that applies policies. */
export const applyJob = "retention.apply";

/** A policy as whoever keeps the data reads it. */
export function ruleOf({
  tenantId,
  scope,
  maxAge,
  maxCount,
}: Pick<RetentionPolicy, "tenantId" | "scope" | "maxAge" | "maxCount">): RetentionRule {
  return {
    tenantId,
    ...(scope === "" ? {} : { scope }),
    ...(maxAge == null ? {} : { maxAgeMs: maxAge }),
    ...(maxCount == null ? {} : { maxCount }),
  };
}
