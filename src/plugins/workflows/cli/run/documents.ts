/** What a run is shown with. The framework of an agent is known only where agents are installed. */
function runFields(hasAgents: boolean): string {
  const agent = hasAgents ? "... on Agent { framework { name } }" : "";
  return `id status targetName provenance startedAt finishedAt durationMs
    failure { code message } usage { ...UsageFields } target { __typename ${agent} }`;
}

const usageFields = "fragment UsageFields on Usage { totalTokens unpricedCalls cost { amount currency priceSource } }";
const interruptFields = `fragment AskedFields on Interrupt {
  id kind status message toolName arguments argumentsHash responseSchema allowed canDecide expiresAt run { id } step { key name nodeKey }
}`;

/** Follows a run and those below it. */
export function eventsDocument(hasAgents: boolean): string {
  return `subscription RunEvents($run: ID!, $after: Int) {
  runEvents(run: $run, after: $after) {
    __typename seq at type runId
    ... on RunSnapshotEvent {
      messages { id role status text run { id } }
      runs { ${runFields(hasAgents)} }
      interrupts { ...AskedFields }
    }
    ... on RunStatusEvent { runStatus provenance parentRunId failure { code message } totalUsage { ...UsageFields } output }
    ... on StepStartedEvent { stepId parentStepId key name kind attempt nodeKey iteration childRun { ${runFields(hasAgents)} } }
    ... on StepFinishedEvent { stepId stepStatus error durationMs }
    ... on MessageStartedEvent { messageId role agent attempt }
    ... on MessageDeltaEvent { messageId part channel text }
    ... on MessageFinishedEvent { messageId messageStatus supersededBy text }
    ... on ToolRequestedEvent { toolCallId name arguments }
    ... on ToolArgumentsEvent { toolCallId delta arguments }
    ... on ToolStartedEvent { toolCallId attempt }
    ... on ToolProgressEvent { toolCallId data }
    ... on ToolFinishedEvent { toolCallId toolStatus result error durationMs }
    ... on InterruptEvent { interruptId interruptStatus interrupt { ...AskedFields } }
    ... on StatePatchedEvent { patch }
    ... on UsageRecordedEvent { modelStepId provider model usage { ...UsageFields } }
    ... on ProgressEvent { progress { done total } }
    ... on CustomEvent { name data }
  }
}
${usageFields}
${interruptFields}`;
}

/** The steps of a run by pages, and what its workflow declares. */
export function stepsDocument(hasAgents: boolean): string {
  return `query RunSteps($run: ID!, $after: String) {
  node(id: $run) {
    ... on Run {
      steps(kind: [NODE], first: 100, after: $after) {
        nodes {
          id key name attempt status nodeKey iteration error startedAt durationMs
          childRun { ${runFields(hasAgents)} }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
${usageFields}`;
}

/** What a run is before it is followed. */
export const runDocument = `query RunOverview($run: ID!) {
  node(id: $run) {
    ... on Run {
      id status targetName output progress { done total } parent { id }
      workflowVersion { nodes { key kind name dependsOn undo errorNode config } }
    }
  }
}`;

export const stepInputDocument = "query StepInput($step: ID!) { node(id: $step) { ... on Step { input } } }";

export const pluginsDocument = "query Installed { plugins { name state } }";

export const workflowDocument = "query Named($ref: WorkflowRef!) { workflow(ref: $ref) { id name version archived origin } }";

export const openRunsDocument = `query OpenRuns($workflow: ID!) {
  runs(filter: { workflow: $workflow, rootOnly: true, status: [QUEUED, RUNNING, WAITING, PAUSED, CANCELLING] }, first: 1) { nodes { id } }
}`;

export const agentDocument = "query Known($name: String!) { agent(ref: { name: $name }) { id } }";

const failed = "... on UserError { message code path fix } ... on InvalidInputError { issues { path message } }";

export const validateDocument = "query Problems($input: CreateWorkflowInput!) { validateWorkflow(input: $input) { path message } }";

export const createAgentDocument = `mutation CreateAgent($input: CreateAgentInput!) {
  createAgent(input: $input) { __typename ... on CreateAgentPayload { agent { id framework { mode } } } ${failed} }
}`;

export const createWorkflowDocument = `mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) { __typename ... on CreateWorkflowPayload { workflow { id version } } ${failed} }
}`;

export const updateWorkflowDocument = `mutation UpdateWorkflow($input: UpdateWorkflowInput!) {
  updateWorkflow(input: $input) { __typename ... on UpdateWorkflowPayload { workflow { id version } } ${failed} }
}`;

export const startDocument = `mutation StartRun($input: StartRunInput!) {
  startRun(input: $input) { __typename ... on StartRunPayload { run { id } } ${failed} }
}`;

export const decideDocument = `mutation Decide($input: DecideInterruptInput!) {
  decideInterrupt(input: $input) { __typename ... on DecideInterruptPayload { interrupt { id } } ${failed} }
}`;

export const cancelDocument = `mutation Cancel($run: ID!) {
  cancelRun(run: $run, reason: "Interrupted on the command line.") { __typename ${failed} }
}`;
