import type { Bed, Side } from "./bed.ts";
import type { Line } from "./client.ts";

/** How the nodes of a workflow stand to each other. */
export type Shape = "row" | "side by side";

/** Nodes that compute a sum: as good as nothing, so that the run itself is what costs. */
function nodesOf(count: number, shape: Shape): object[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `n${n}`,
    kind: "transform",
    dependsOn: shape === "row" && n > 0 ? [`n${n - 1}`] : [],
    config: { expression: "input.n + 1" },
  }));
}

/** Makes a workflow. @returns its id */
export async function makeWorkflow(bed: Bed, name: string, nodes: readonly object[]): Promise<string> {
  const { createWorkflow } = await bed.graphql<{ createWorkflow: { workflow?: { id: string } } }>(
    `mutation ($input: CreateWorkflowInput!) {
      createWorkflow(input: $input) { ... on CreateWorkflowPayload { workflow { id } } ... on UserError { message } }
    }`,
    { input: { name, nodes } },
  );
  if (!createWorkflow.workflow) throw new Error(JSON.stringify(createWorkflow));
  return createWorkflow.workflow.id;
}

const started = `mutation ($workflow: ID!) {
  startRun(input: { target: { workflow: { id: $workflow } }, input: { n: 1 } }) { ... on StartRunPayload { run { id } } ... on UserError { message } }
}`;
const watched = "subscription ($run: ID!) { runEvents(run: $run, after: 0) { type } }";

/** Starts a run of a workflow. @returns its id */
export async function startWorkflow(line: Line, workflow: string): Promise<string> {
  const { startRun } = await line.ask<{ startRun: { run?: { id: string } } }>(started, { workflow });
  if (!startRun.run) throw new Error(JSON.stringify(startRun));
  return startRun.run.id;
}

/** One run, from its start to its end as a client sees it: over a socket alone. */
export type RunOnce = (line: Line) => Promise<void>;

/** Makes a workflow of so many nodes. @returns what runs it once */
export async function workflowOf(bed: Bed, side: Side, nodes: number, shape: Shape): Promise<RunOnce> {
  if (side === "bound") return boundRun(nodes, shape);
  const workflow = await makeWorkflow(bed, `${nodes} ${shape}`, nodesOf(nodes, shape));
  return async (line) => {
    const run = await startWorkflow(line, workflow);
    await line.run(watched, { run }, (frame) => {
      if (frame.includes('"run.failed"')) throw new Error(frame);
    });
  };
}

function boundRun(nodes: number, shape: Shape): RunOnce {
  return async (line) => {
    const run = crypto.randomUUID();
    const over = line.until("subscription ($of: ID!) { events(of: $of) { type text } }", { of: run }, (frame) =>
      frame.includes('"run.finished"'),
    );
    const start = "mutation ($run: ID!, $nodes: Int!, $inRow: Boolean!) { startWorkflow(run: $run, nodes: $nodes, inRow: $inRow) }";
    await Promise.all([over, line.ask(start, { run, nodes, inRow: shape === "row" })]);
  };
}
