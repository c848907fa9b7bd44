import {
  Actor,
  Run,
  RunTarget,
  actorOf,
  connectionType,
  inputNamed,
  listRuns,
  loadRow,
  loadRows,
  nodeType,
  seesRun,
  type GraphBuilder,
  type RunFilter,
} from "#weftline";
import { dependenciesOf } from "../definition/dependencies.ts";
import { Workflow, WorkflowVersion, versionIdOf } from "../entities.ts";
import { newestDefinition } from "../service/find.ts";
import { listVersions } from "../service/list.ts";
import { workflowEditor } from "../service/service.ts";
import type { NodeTypes } from "./node.ts";
import { pageForward } from "./page.ts";

const loadWorkflows = loadRows(Workflow);

export function addWorkflow(builder: GraphBuilder, types: NodeTypes): void {
  addVersion(builder, types);
  nodeType(builder, Workflow, {
    name: "Workflow",
    description: "A declared graph of nodes that runs execute, in numbered versions.",
    interfaces: [RunTarget],
    ownership: { rule: "SHARED" },
    load: async (ids, scope) => {
      await scope.use(workflowEditor).prepare(scope);
      return loadWorkflows(ids, scope);
    },
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "What it is called; unique in the tenant." }),
      description: t.exposeString("description", { description: "What it is for, for people." }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Who made it; the platform where it comes from a file or a plugin.",
        resolve: (workflow, _, scope) => actorOf(scope, workflow.ownerId),
      }),
      origin: t.exposeString("origin", {
        description: "The file or the plugin that it comes from, and where it is edited; null where it was made through the graph.",
      }),
      version: t.exposeInt("version", { nullable: false, description: "The number of its newest version." }),
      inputSchema: t.field({
        type: "JSON",
        description: "JSON Schema of the input of its runs; null where any is taken.",
        resolve: async (workflow, _, scope) => (await newestDefinition(scope, workflow)).inputSchema ?? null,
      }),
      nodes: t.field({
        type: [types.node],
        nullable: false,
        description: "Its nodes, in the order in which they were written.",
        resolve: async (workflow, _, scope) => [...(await newestDefinition(scope, workflow)).nodes],
      }),
      dependencies: t.field({
        type: [types.dependency],
        nullable: false,
        description: "Its edges, for drawing it.",
        resolve: async (workflow, _, scope) => [...dependenciesOf((await newestDefinition(scope, workflow)).nodes)],
      }),
      versions: t.field({
        type: connectionType(builder, "WorkflowVersion", WorkflowVersion),
        description: "All its versions, newest first.",
        args: pageForward(t),
        resolve: (workflow, page, scope) => listVersions(scope, workflow, page) as never,
      }),
      runs: t.field({
        type: connectionType(builder, "Run", Run),
        description: "The viewer's runs of it, newest first.",
        args: {
          filter: t.arg({ type: inputNamed<RunFilter>(builder, "RunFilter"), description: "Only these." }),
          ...pageForward(t),
        },
        resolve: (workflow, { filter, ...page }, scope) =>
          listRuns(scope, { where: { targetType: "Workflow", targetId: workflow.id }, filter }, page) as never,
      }),
      archived: t.exposeBoolean("archived", { nullable: false, description: "Whether it takes no runs." }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: ({ createdAt }) => createdAt }),
      updatedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it last changed.",
        resolve: ({ updatedAt }) => updatedAt,
      }),
    }),
  });
  builder.objectField(Run, "workflowVersion", (t) =>
    t.field({
      type: WorkflowVersion,
      description: "The version of the workflow that it executes; null where it runs something else.",
      resolve: (run, _, scope) => {
        const { targetType, targetId, targetVersion } = run;
        if (targetType !== "Workflow" || targetVersion == null || !seesRun(scope, run)) return null;
        return loadRow(scope, WorkflowVersion, versionIdOf(targetId, targetVersion));
      },
    }),
  );
}

function addVersion(builder: GraphBuilder, types: NodeTypes): void {
  nodeType(builder, WorkflowVersion, {
    name: "WorkflowVersion",
    description: "One revision of a workflow's definition. It never changes.",
    ownership: { rule: "SHARED" },
    load: loadRows(WorkflowVersion),
    fields: (t) => ({
      version: t.exposeInt("version", { nullable: false, description: "Its number, from 1." }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: ({ createdAt }) => createdAt }),
      inputSchema: t.field({
        type: "JSON",
        description: "JSON Schema of the input of its runs; null where any is taken.",
        resolve: ({ definition }) => definition.inputSchema ?? null,
      }),
      nodes: t.field({
        type: [types.node],
        nullable: false,
        description: "Its nodes, in the order in which they were written.",
        resolve: ({ definition }) => [...definition.nodes],
      }),
      dependencies: t.field({
        type: [types.dependency],
        nullable: false,
        description: "Its edges, for drawing it.",
        resolve: ({ definition }) => [...dependenciesOf(definition.nodes)],
      }),
    }),
  });
}
