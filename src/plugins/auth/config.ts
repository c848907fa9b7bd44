import { characters } from "#weftline";
import { z } from "zod";

const name = z.string().superRefine(characters(1, 200));

const unset = "The token is not set: where it comes from the environment, set its variable.";

/** One caller and the token that proves it. */
const viewerConfig = z.strictObject({
  /** Sent as `Authorization: Bearer …`. Kept as a hash only. */
  token: z
    .string({ error: ({ input }) => (input === undefined || input === null ? unset : undefined) })
    .refine((token) => token !== "", { error: unset, abort: true })
    .superRefine(characters(8, 1_000)),
  /** The actor's id, unique in its tenant. */
  id: name,
  /** The name to show; the id by default. */
  name: name.optional(),
  /** `SERVICE` for a program with credentials of its own. */
  kind: z.enum(["USER", "SERVICE"]).default("USER"),
  tenant: name.default("default"),
  /** Until when the token is good, as an ISO 8601 time with its offset or a Date; for ever by default. */
  expires: z
    .union([z.iso.datetime({ offset: true }), z.date()])
    .transform((at) => new Date(at).getTime())
    .optional(),
  /** `admin` manages the tenant; `audit` may read the content of others in it. */
  roles: z.array(name).default([]),
});

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

export const authConfig = z.strictObject({
  viewers: z
    .array(viewerConfig)
    .default([])
    .refine((viewers) => unique(viewers.map(({ token }) => token)), "Two viewers have the same token.")
    .refine((viewers) => unique(viewers.map(({ tenant, id }) => `${tenant}/${id}`)), "Two viewers have the same id in one tenant."),
});

export type AuthConfig = z.output<typeof authConfig>;
