import { z } from "zod";

const remote = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  apiKey: z.string().optional(),
  /** The graph or assistant there; the name here by default. */
  graph: z.string().min(1).optional(),
});

/** The options of the langgraph plugin. */
export const langgraphConfig = z.strictObject({
  /** Graphs in files, as `./graphs/review.ts:graph`: the file, from where the server is started, and what it exports; `default` by default. */
  graphs: z.record(z.string().min(1), z.string().min(1)).default({}),
  /** The `langgraph.json` of a LangGraph project, whose graphs are provided too. */
  project: z.string().min(1).optional(),
  /** Graphs on LangGraph servers. */
  remotes: z.record(z.string().min(1), remote).default({}),
});

export type LangGraphConfig = z.output<typeof langgraphConfig>;
export type RemoteSource = z.output<typeof remote>;
