import type { Viewer } from "#weftline";
import { agents } from "../../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../../src/plugins/capabilities/index.ts";
import { workflows } from "../../../../src/plugins/workflows/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../../src/testing/index.ts";

/** Workflows and what they need; `folder` has files of workflows. */
export function workflowsPlatform(
  options: { readonly folder?: string; readonly dataDir?: string; readonly more?: Parameters<typeof testPlatform>[0]["plugins"] } = {},
): Promise<TestPlatform> {
  const { folder, dataDir, more } = options;
  return testPlatform({
    plugins: [capabilities(), agents(), folder === undefined ? workflows() : workflows({ folder }), more],
    ...(dataDir === undefined ? {} : { dataDir }),
  });
}

export const ada = testViewer("ada");
export const bob = testViewer("bob");
export const root = testViewer("root", { roles: ["admin"] });
export const stranger = testViewer("eve", { tenantId: "elsewhere" });

/** A node that gives what an expression gives. */
export function transform(key: string, expression: string, more: object = {}): object {
  return { key, kind: "transform", config: { expression }, ...more };
}

const nodeFields = `key kind name dependsOn when config retry { attempts delay factor jitter } timeout join joinCount onError errorNode undo`;
export const workflowFields = `id name description version archived origin inputSchema owner { name self kind }
  nodes { ${nodeFields} } dependencies { from to label }`;

export interface WorkflowData {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: number;
  readonly archived: boolean;
  readonly origin: string | null;
  readonly inputSchema: unknown;
  readonly owner: { readonly name: string; readonly self: boolean; readonly kind: string };
  readonly nodes: readonly { readonly key: string; readonly config: unknown }[];
  readonly dependencies: readonly { readonly from: string; readonly to: string; readonly label: string | null }[];
}

export interface Outcome {
  readonly __typename: string;
  readonly workflow?: WorkflowData;
  readonly code?: string;
  readonly message?: string;
  readonly fix?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
}

const outcome = (name: string): string => `__typename ... on ${name}Payload { workflow { ${workflowFields} } }
  ... on UserError { code message path fix } ... on InvalidInputError { issues { path message } }`;

/** Each mutation of workflows, as a viewer; ada by default. */
export function mutations(app: TestPlatform) {
  const run = async (query: string, variables: object, viewer: Viewer): Promise<Outcome> =>
    (await app.graphql<{ result: Outcome }>(query, { ...variables }, viewer)).result;
  return {
    create: (input: object, viewer: Viewer = ada) =>
      run(
        `mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) { ${outcome("CreateWorkflow")} } }`,
        { input },
        viewer,
      ),
    update: (input: object, viewer: Viewer = ada) =>
      run(
        `mutation ($input: UpdateWorkflowInput!) { result: updateWorkflow(input: $input) { ${outcome("UpdateWorkflow")} } }`,
        { input },
        viewer,
      ),
    archive: (workflow: object, viewer: Viewer = ada) =>
      run(
        `mutation ($workflow: WorkflowRef!) { result: archiveWorkflow(workflow: $workflow) { ${outcome("ArchiveWorkflow")} } }`,
        { workflow },
        viewer,
      ),
    restore: (workflow: object, version: number, viewer: Viewer = ada) =>
      run(
        `mutation ($workflow: WorkflowRef!, $version: Int!) {
          result: restoreWorkflowVersion(workflow: $workflow, version: $version) { ${outcome("RestoreWorkflowVersion")} } }`,
        { workflow, version },
        viewer,
      ),
  };
}

/** The workflow of a payload. */
export function made({ workflow, ...rest }: Outcome): WorkflowData {
  if (!workflow) throw new Error(`No workflow: ${JSON.stringify(rest)}`);
  return workflow;
}

/** How many rows there are of workflows and of their versions. */
export async function counts(app: TestPlatform): Promise<{ workflows: number; versions: number; keys: number }> {
  const count = async (table: string): Promise<number> =>
    (await app.platform.database.read.get<{ n: number }>(`select count(*) as n from ${table}`))?.n ?? -1;
  return {
    workflows: await count("workflows_workflow"),
    versions: await count("workflows_version"),
    keys: await count("platform_idempotency_key"),
  };
}
