import type { GraphBuilder } from "../../graphql/builder.ts";
import { Node, nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { extensionPoint } from "../../kernel/refs.ts";
import { runTargets } from "../contract.ts";
import type { Run } from "../entities/run.ts";

/** The type key of the `RunTarget` interface: what a run runs. Types that implement it have a `name`, and may have a `description`. */
export class RunTarget {
  declare readonly id: string;
  declare readonly name: string;
  declare readonly description?: string | null | undefined;
}

/** Work of the platform itself that runs as a run. */
export interface JobDefinition {
  /** As in `memory.reindex`. */
  readonly name: string;
  /** What it does, for people. */
  readonly description?: string;
}

/** Where plugins put {@link JobDefinition}s, by name. */
export const jobs = extensionPoint<JobDefinition>("runs.jobs");

/** The type key of `Job`. */
export class Job {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly plugin: string;

  constructor({ name, description }: JobDefinition, plugin: string) {
    this.id = name;
    this.name = name;
    this.description = description;
    this.plugin = plugin;
  }
}

export function addTargets(builder: GraphBuilder): void {
  builder.interfaceType(RunTarget, {
    name: "RunTarget",
    description: "What a run runs: an Agent, a Workflow, a Tool, a Job, or a plugin's own.",
    interfaces: [Node],
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "Its name." }),
      description: t.exposeString("description", { description: "What it is for, for people." }),
    }),
  });
  nodeType(builder, Job, {
    name: "Job",
    description: "Work of the platform itself: reindexing, retention, an import.",
    interfaces: [RunTarget],
    ownership: { rule: "INSTALLED" },
    load: async (ids, scope) => ids.map((id) => jobOf(scope, id)),
    fields: (t) => ({ plugin: t.exposeString("plugin", { nullable: false, description: "The plugin whose work it is." }) }),
  });
}

function jobOf(scope: Scope, name: string): Job | undefined {
  const found = scope.contributions(jobs).get(name);
  return found && new Job(found.value, found.plugin);
}

/** What a run or a schedule runs, as the viewer may see it; null where it or its plugin is gone. */
export async function runTargetOf(scope: Scope, { targetType, targetId }: Pick<Run, "targetType" | "targetId">): Promise<RunTarget | null> {
  const type = scope.contributions(runTargets).get(targetType)?.value;
  if (type) return (await type.load(scope, targetId)) as RunTarget | null;
  return targetType === "Job" ? (jobOf(scope, targetId) ?? null) : null;
}
