import type { GraphBuilder } from "../../graphql/builder.ts";
import { Node } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { runTargets } from "../contract.ts";
import type { Run } from "../entities/run.ts";

/** The type key of the `RunTarget` interface: what a run runs. Types that implement it have a `name`, and may have a `description`. */
export class RunTarget {
  declare readonly id: string;
  declare readonly name: string;
  declare readonly description?: string | null | undefined;
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
}

/** What a run or a schedule runs, as the viewer may see it; null where it or its plugin is gone. */
export async function runTargetOf(scope: Scope, { targetType, targetId }: Pick<Run, "targetType" | "targetId">): Promise<RunTarget | null> {
  const type = scope.contributions(runTargets).get(targetType)?.value;
  return type ? ((await type.load(scope, targetId)) as RunTarget | null) : null;
}
