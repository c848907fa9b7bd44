const snapshot = `messages { id seq role status text createdAt }
    hasEarlierMessages
    runs { id status targetName }
    interrupts { ...InterruptFields }`;

const runEventFields = `fragment InterruptFields on Interrupt { id kind message toolName arguments argumentsHash }
fragment UsageFields on Usage { inputTokens outputTokens totalTokens estimated }
fragment RunEventFields on RunEvent {
  runId
  ... on RunSnapshotEvent {
    ${snapshot}
  }
  ... on RunStatusEvent { runStatus provenance parentRunId failure { code message retryable } totalUsage { ...UsageFields } output }
  ... on StepStartedEvent { stepId key name kind attempt nodeKey iteration }
  ... on StepFinishedEvent { stepId stepStatus error durationMs }
  ... on MessageStartedEvent { messageId role agent attempt }
  ... on MessageDeltaEvent { messageId part channel text }
  ... on MessageFinishedEvent { messageId messageStatus supersededBy text }
  ... on ToolRequestedEvent { toolCallId name arguments calledFrom { messageId part } }
  ... on ToolArgumentsEvent { toolCallId delta arguments }
  ... on ToolStartedEvent { toolCallId attempt }
  ... on ToolProgressEvent { toolCallId data }
  ... on ToolFinishedEvent { toolCallId toolStatus result error durationMs }
  ... on InterruptEvent { interruptId interruptStatus interrupt { ...InterruptFields } }
  ... on StatePatchedEvent { patch }
  ... on UsageRecordedEvent { modelStepId provider model usage { ...UsageFields } }
  ... on ProgressEvent { progress { done total } }
  ... on SignalEvent { name payload }
  ... on CustomEvent { name data }
}`;

/** Follows a run. */
export const runDocument = `subscription Run($run: ID!, $after: Int) {
  runEvents(run: $run, after: $after) { __typename seq at type ...RunEventFields }
}
${runEventFields}`;

/** Follows a thread. */
export const threadDocument = `subscription Thread($thread: ID!, $after: Int) {
  threadEvents(thread: $thread, after: $after) {
    __typename seq at type
    ...RunEventFields
    ... on ThreadSnapshotEvent {
    ${snapshot}
    }
    ... on MessageAddedEvent { messageId role message { id seq role status text createdAt } }
    ... on ThreadChangedEvent { threadId change }
  }
}
${runEventFields}`;
