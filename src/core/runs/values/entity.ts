import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const ValueSchema = defineEntity({
  name: "ValueRow",
  tableName: "runs_value",
  properties: (p) => ({
    streamNum: p.integer().primary(),
    /** SHA-256 of `value` and `refs`. */
    hash: p.string().primary(),
    /** The seq of the first event of the run that named it first. */
    runSeq: p.integer(),
    bytes: p.integer(),
    /** Values that are missing from it, since they stand apart, too. */
    refs: p.text().nullable(),
    value: p.text(),
  }),
});

/** A large value of a stream's runs, which all rows and events that hold it name. Written and read by prepared SQL only. */
class ValueRow extends ValueSchema.class {}
ValueSchema.setClass(ValueRow);
export const valueEntity = owned(ValueSchema, { rule: "INTERNAL" });
