import { z } from "zod";

const perMillion = z.string().regex(/^\d{1,6}(\.\d{1,9})?$/, "decimal digits, as in 0.15");

const price = z.strictObject({
  /** US dollars for a million tokens, in decimal digits. */
  input: perMillion,
  output: perMillion,
  /** For those that come from the provider's cache; as `input` by default. */
  cachedInput: perMillion.optional(),
});

/** The options of the budgets plugin. */
export const budgetsConfig = z
  .strictObject({
    /** Prices that go before those of the table, as for models of one's own: by `binding/model`, or `binding/*` for all of a binding. */
    prices: z.record(z.string().regex(/^[^/]+\/.+$/, "names are binding/model, or binding/*"), price).default({}),
    /** Whether a model may be called whose price is not known. Where it is forbidden, such a call is refused before it is made. */
    unknownPrice: z.enum(["allowed", "forbidden"]).default("allowed"),
    /** How many tokens an answer under a budget may have, where its agent says nothing. */
    answerTokens: z.int().min(16).max(1_000_000).default(16_384),
    /** How many budgets a tenant may have. */
    perTenant: z.int().min(1).max(10_000).default(1_000),
  })
  .prefault({});

export type BudgetsConfig = z.output<typeof budgetsConfig>;
