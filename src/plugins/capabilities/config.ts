import { z } from "zod";
import { characters, maxApprovers, mostMaxResultChars } from "#weftline";

const approval = z.union([z.enum(["NEVER", "ALWAYS"]), z.strictObject({ when: z.string().min(1) })]);

const approverNames = z.array(z.string().superRefine(characters(1, 200))).max(maxApprovers);

const toolSettings = z.strictObject({
  /** When a person is asked, in place of what the tool itself says. */
  approval: approval.optional(),
  /** Whether an agent's own policy may also ask less often than this; else it may only ask more often. */
  agents: z.enum(["mayTighten", "mayLoosen"]).default("mayTighten"),
  /** Who besides the owner of a run may allow a call, in place of whom the tool itself names: all who hold one of the roles, and these actors. */
  approvers: z.strictObject({ roles: approverNames.optional(), actors: approverNames.optional() }).optional(),
  /** How many calls run at once. */
  concurrency: z.int().min(1).optional(),
  timeoutMs: z.int().min(1).optional(),
  /** The most characters of a result that are kept and shown to a model. */
  maxResultChars: z.int().min(1).max(mostMaxResultChars).optional(),
});

/** What the operator decides about tools. */
export const capabilitiesConfig = z.strictObject({
  /** By the tool's name; `github.*` stands for all whose names begin so, `*` for all. The closest name counts. */
  tools: z
    .record(z.string().regex(/^(\*|[A-Za-z0-9_.-]{1,64}|[A-Za-z0-9_.-]{1,62}\.\*)$/, "names a tool, or ends in .*"), toolSettings)
    .default({}),
});

export type CapabilitiesConfig = z.output<typeof capabilitiesConfig>;
