import { resolve } from "node:path";
import { z } from "zod";

/** The options of the crewai plugin. */
export const crewaiConfig = z.strictObject({
  /** Folders of crews, by the name under which agents name them. */
  crews: z.record(z.string().regex(/^[\w-]+$/, "has letters, digits, dashes and underscores"), z.string().min(1)).default({}),
  /** Which engine plays crews: Python's where CrewAI is installed by default. */
  engine: z.enum(["auto", "python", "typescript"]).default("auto"),
  /** Where CrewAI for Python is installed to, and where its workers keep their files while they run; `crewai` in the data folder by default. */
  home: z
    .string()
    .min(1)
    .transform((path) => resolve(path))
    .optional(),
  /** An interpreter that has CrewAI, in place of what is installed to the home. */
  python: z.string().min(1).optional(),
  /** Runs that the Python engine plays at once; others wait for a place. */
  maxWorkers: z.int().min(1).max(256).default(8),
  /** How long CrewAI may take to load, in milliseconds. */
  startTimeoutMs: z.int().min(1_000).max(600_000).default(120_000),
  /** How long CrewAI stays loaded when nothing runs, in milliseconds. */
  idleMs: z.int().min(0).max(86_400_000).default(600_000),
});

export type CrewaiConfig = z.output<typeof crewaiConfig>;
