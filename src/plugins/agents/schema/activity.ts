import { Framework, Run, UsageView, connectionType, frameworkOf, inputNamed, listRuns, type GraphBuilder, type RunFilter } from "#weftline";
import { Agent } from "../contract.ts";
import { newestOf } from "../service/find.ts";
import { metricsOf, type Metrics } from "../service/metrics.ts";
import { pageForward } from "./page.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** What agents have to do with frameworks and runs. */
export function addActivity(builder: GraphBuilder): void {
  const AgentMetrics = metricsType(builder);
  builder.objectFields(Agent, (t) => ({
    framework: t.field({
      type: Framework,
      description: "The framework that runs it; null where no plugin provides it.",
      resolve: async (agent, _, scope) => frameworkOf(scope, (await newestOf(scope, agent)).framework),
    }),
    runs: t.field({
      type: connectionType(builder, "Run", Run),
      description: "The viewer's runs of it, newest first.",
      args: {
        filter: t.arg({ type: inputNamed<RunFilter>(builder, "RunFilter"), description: "Only these." }),
        ...pageForward(t),
      },
      resolve: (agent, { filter, ...page }, scope) =>
        listRuns(scope, { where: { targetType: "Agent", targetId: agent.id }, filter }, page) as never,
    }),
    metrics: t.field({
      type: AgentMetrics,
      description: "How it did: its finished runs, as far as the viewer may see them.",
      args: { last: t.arg({ type: "Duration", defaultValue: dayMs, description: "How far back; the last day by default." }) },
      resolve: (agent, { last }, scope) => metricsOf(scope, agent, last ?? dayMs),
    }),
  }));
}

function metricsType(builder: GraphBuilder) {
  return builder.objectRef<Metrics>("AgentMetrics").implement({
    description: "How an agent did over some time.",
    fields: (t) => ({
      runs: t.field({ type: "SafeInt", nullable: false, description: "Finished runs.", resolve: ({ runs }) => runs }),
      succeeded: t.field({ type: "SafeInt", nullable: false, description: "Those that succeeded.", resolve: ({ succeeded }) => succeeded }),
      failed: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Those that failed or expired; the rest was cancelled.",
        resolve: ({ failed }) => failed,
      }),
      p50Ms: t.exposeFloat("p50Ms", { description: "Half of them took no longer from start to end, in milliseconds." }),
      p95Ms: t.exposeFloat("p95Ms", { description: "95 of 100 took no longer from start to end, in milliseconds." }),
      usage: t.field({ type: UsageView, nullable: false, description: "Their tokens and cost.", resolve: ({ usage }) => usage }),
    }),
  });
}
