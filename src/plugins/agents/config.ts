import { z } from "zod";

export const agentsConfig = z
  .strictObject({
    /** The framework of the agents that the shipped templates make. */
    templateFramework: z.string().min(1).default("openai"),
    /** The model of those agents, as `binding/model`; the default model by default. */
    templateModel: z.string().min(1).optional(),
  })
  .prefault({});

export type AgentsConfig = z.output<typeof agentsConfig>;
