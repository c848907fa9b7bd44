import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { jobs } from "../jobs/definition.ts";
import { Job } from "../jobs/job.ts";
import { jobService } from "../jobs/service.ts";
import { runNow, runResult } from "./mutations.ts";
import { RunTarget } from "./targets.ts";

interface StartJobInput {
  readonly job: string;
  readonly input?: unknown;
  readonly idempotencyKey?: string | null;
}

/** Jobs: what there is, and how one is started. */
export function addJobs(builder: GraphBuilder): void {
  nodeType(builder, Job, {
    name: "Job",
    description: "Work of the platform itself: reindexing, retention, an import.",
    interfaces: [RunTarget],
    ownership: { rule: "INSTALLED" },
    load: async (names, scope) => names.map((name) => jobsOf(scope).get(name)),
    fields: (t) => ({
      plugin: t.exposeString("plugin", { nullable: false, description: "The plugin whose work it is." }),
      inputSchema: t.field({
        type: "JSON",
        description: "What it is started with, as JSON Schema; null where it takes no input.",
        resolve: ({ inputSchema }) => inputSchema ?? null,
      }),
    }),
  });
  const input = inputNamed<StartJobInput>(builder, "StartJobInput");
  builder.inputType(input, {
    description: "A job to start.",
    fields: (t) => ({
      job: t.string({ required: true, description: "Its name." }),
      input: t.field({ type: "JSON", description: "What it is to work on, by its inputSchema." }),
      idempotencyKey: t.string({ description: "Starts at most one run a key; the same key answers with the first." }),
    }),
  });
  const started = runResult(builder, "StartJob", ["conflict", "unavailable"]);
  builder.queryField("jobs", (t) =>
    t.field({
      type: [Job],
      description: "Jobs that are installed, by name. Admins start them.",
      resolve: (_, __, scope) => [...jobsOf(scope).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    }),
  );
  builder.mutationField("startJob", (t) =>
    t.field({
      type: started.type,
      nullable: false,
      description: "Starts a job and answers at once; follow it with runEvents. For admins.",
      args: { input: t.arg({ type: input, required: true, description: "The job." }) },
      resolve: (_, { input: asked }, scope) => started.attempt(async () => runNow(scope, await scope.use(jobService).start(scope, asked))),
    }),
  );
}

function jobsOf(scope: Scope): ReadonlyMap<string, Job> {
  return new Map([...scope.contributions(jobs)].map(([name, { value, plugin }]) => [name, new Job(value, plugin)]));
}
