import { z } from "zod";
import { innerSchema } from "./inner.ts";

/** Words of CEL, and variables that are there anyway. */
const taken = new Set(
  [
    "input nodes index true false null in as break const continue else for function if import let loop package namespace return var void while",
    "int uint double bool string bytes list map null_type type dyn cel has size",
  ].flatMap((words) => words.split(" ")),
);

/** The settings of a `map`: the node once for each item of a list. */
export const mapConfig = z.strictObject({
  /** CEL of a list. */
  over: z.string().min(1),
  /** What expressions of the node call the item. */
  as: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'A name is a letter, then letters, digits and "_".')
    .refine((name) => !taken.has(name), "This name is taken: choose another.")
    .default("item"),
  node: innerSchema,
  /** How many items are at work at once. */
  concurrency: z.int().min(1).max(64).default(8),
});

export type MapConfig = z.output<typeof mapConfig>;
