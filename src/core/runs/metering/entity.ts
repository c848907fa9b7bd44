import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const UsageSumSchema = defineEntity({
  name: "UsageSum",
  tableName: "runs_usage_sum",
  properties: (p) => ({
    tenantId: p.string().primary(),
    /** Empty for the sum of all owners. */
    ownerId: p.string().primary(),
    /** An hour or a day, in UTC. */
    grain: p.enum(["HOUR", "DAY"] as const).primary(),
    /** What it is by; ALL has the key "". */
    dimension: p.enum(["ALL", "AGENT", "WORKFLOW", "MODEL", "THREAD"] as const).primary(),
    /** When it begins, in milliseconds since 1970. */
    startsAt: p.bigint("number").primary(),
    /** An id, or `provider/model`. */
    key: p.string().primary(),
    calls: p.bigint("number"),
    unpriced: p.bigint("number"),
    estimated: p.bigint("number"),
    inputTokens: p.bigint("number"),
    outputTokens: p.bigint("number"),
    cachedInputTokens: p.bigint("number").nullable(),
    reasoningTokens: p.bigint("number").nullable(),
    nanos: p.bigint("string"),
    /** Of the calls with a price: separated by commas. */
    priceSources: p.string(),
  }),
  indexes: [
    { name: "runs_usage_sum_thread_index", properties: ["key"], where: "dimension = 'THREAD'" as never },
    {
      name: "runs_usage_sum_owners_index",
      properties: ["tenantId", "grain", "startsAt"],
      where: "dimension = 'ALL' and owner_id <> ''" as never,
    },
  ],
});

/** What model calls of one hour or day come to: so that sums over months read hundreds of rows, however many calls there were. */
class UsageSum extends UsageSumSchema.class {}
UsageSumSchema.setClass(UsageSum);
export const usageSumEntity = owned(UsageSumSchema, { rule: "INTERNAL" });
