import { z } from "zod";
import { asWeftlineError, type Models } from "#weftline";
import { openaiOptions, type OpenAIOptions } from "#plugins/openai";
import { modelProblems } from "./definition/models.ts";
import { readCrew } from "./definition/read.ts";

/** What an agent of this framework can set. */
export type CrewOptions = Omit<OpenAIOptions, "maxSteps"> & {
  readonly maxSteps?: number | undefined;
  readonly crew?: string | Readonly<Record<string, unknown>> | undefined;
  readonly engine?: "python" | "typescript" | undefined;
};

/**
 * The options of an agent, for a host with these crews.
 *
 * @param names of the crews in the host's configuration.
 * @param models that a crew defined in place may name.
 */
export function crewOptions(names: readonly string[], models: Pick<Models, "resolve">) {
  const known = names.length === 0 ? "this host has none" : `there are ${names.join(", ")}`;
  return openaiOptions.extend({
    maxSteps: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe("Most model calls of one run, all tasks together; the run's own limit unless set."),
    crew: z
      .union([
        z.string().refine((name) => names.includes(name), `There is no crew of that name in the configuration: ${known}.`),
        z.record(z.string(), z.unknown()).superRefine((definition, refinement) => {
          for (const message of problemsOf(definition, models)) refinement.addIssue({ code: "custom", message });
        }),
      ])
      .optional()
      .describe(
        "The crew: its name in the host's configuration, or its definition, as crew.jsonc has it with the agents in place. Without one the agent works alone.",
      ),
    engine: z.enum(["python", "typescript"]).optional().describe("Which engine plays it; what the host's configuration says unless set."),
  });
}

function problemsOf(definition: unknown, models: Pick<Models, "resolve">): string[] {
  try {
    return modelProblems(readCrew(definition, "crew").crew, models);
  } catch (error) {
    const { details, message } = asWeftlineError(error);
    return details.issues?.map((issue) => issue.message) ?? [message];
  }
}
