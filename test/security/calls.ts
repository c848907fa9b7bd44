import type { Purpose } from "./rules.ts";
import type { IdPath } from "./shape.ts";
import type { Mine } from "./world.ts";

/** One stands for a list of one. */
const policy = { tool: "time.now", approval: "ALWAYS" };

/**
 * How to call each mutation: variables that name the caller's own objects. The test puts the objects of others in their place. A mutation
 * that is missing here fails it.
 */
export const mutations: Readonly<Record<string, (own: Mine) => Readonly<Record<string, unknown>>>> = {
  applyRetention: ({ policy: set }) => ({ policies: set, dryRun: true }),
  archiveAgent: ({ agent }) => ({ agent: { id: agent } }),
  archiveWorkflow: ({ workflow }) => ({ workflow: { id: workflow } }),
  callTool: () => ({ name: "time.now", arguments: {} }),
  cancelRun: ({ waitingRun }) => ({ run: waitingRun }),
  clearThread: ({ thread }) => ({ thread }),
  createAgent: () => ({ input: { name: "another", framework: "fake", toolPolicies: policy } }),
  createAgentFromTemplate: () => ({ input: { template: "assistant", name: "templated" } }),
  createFile: () => ({ input: { name: "another", mediaType: "text/plain", size: 1 } }),
  createInboundWebhook: ({ agent }) => ({ input: { name: "another", target: { agent: { id: agent } } } }),
  createSchedule: ({ agent, thread }) => ({ input: { name: "another", target: { agent: { id: agent } }, thread, cron: "@yearly" } }),
  createThread: () => ({ input: { title: "another" } }),
  createWebhook: () => ({ input: { name: "another", url: "https://hooks.invalid/", events: ["RUN_FAILED"] } }),
  createWorkflow: () => ({ input: { name: "another", nodes: { key: "a", kind: "transform", config: { expression: "1" } } } }),
  decideInterrupt: ({ interrupt, argumentsHash }) => ({ input: { interrupt, kind: "REJECT", argumentsHash } }),
  deleteFile: ({ file }) => ({ file }),
  deleteThread: ({ thread }) => ({ thread }),
  exampleAddNote: () => ({ input: { text: "another" } }),
  forget: ({ record }) => ({ record }),
  forgetAll: ({ thread }) => ({ scope: { scope: "THREAD", id: thread } }),
  forkThread: ({ thread, answer }) => ({ thread, at: answer }),
  pauseRun: ({ waitingRun }) => ({ run: waitingRun }),
  redeliverWebhook: ({ delivery }) => ({ delivery }),
  regenerateMessage: ({ answer }) => ({ message: answer }),
  remember: ({ thread }) => ({ input: { text: "another", scope: { scope: "THREAD", id: thread } } }),
  removeBudget: ({ budget }) => ({ budget }),
  removeInboundWebhook: ({ inboundWebhook }) => ({ webhook: inboundWebhook }),
  removeWebhook: ({ webhook }) => ({ webhook }),
  removeSchedule: ({ schedule }) => ({ schedule }),
  restoreAgentVersion: ({ agent }) => ({ agent: { id: agent }, version: 1 }),
  restoreWorkflowVersion: ({ workflow }) => ({ workflow: { id: workflow }, version: 1 }),
  resumeRun: ({ waitingRun }) => ({ run: waitingRun }),
  retryRun: ({ finishedRun, checkpoint }) => ({ input: { run: finishedRun, checkpoint } }),
  rotateSigningSecret: ({ webhook }) => ({ webhook }),
  // One part stands for a list of one, in which the test can put another's file.
  sendMessage: ({ thread, file }) => ({ input: { thread, parts: { file } } }),
  setBudget: ({ agent }) => ({ input: { scope: "AGENT", scopeId: agent, tokenLimit: 1e12, onExceed: "DENY" } }),
  setRetentionPolicy: () => ({ input: { target: "MESSAGES", maxAge: "P9000D" } }),
  setTyping: ({ thread }) => ({ thread, typing: true }),
  signalRun: ({ waitingRun }) => ({ run: waitingRun, name: "go" }),
  startAgent: ({ agent }) => ({ agent: { id: agent } }),
  startJob: () => ({ input: { job: "fixtures.sweep" } }),
  startRun: ({ agent }) => ({ input: { target: { agent: { id: agent } }, text: "Hello." } }),
  stopAgent: ({ agent }) => ({ agent: { id: agent } }),
  updateAgent: ({ agent }) => ({ input: { agent: { id: agent }, description: "changed", toolPolicies: policy } }),
  updateInboundWebhook: ({ inboundWebhook }) => ({ input: { webhook: inboundWebhook, name: "changed" } }),
  updateMemory: ({ record }) => ({ record, metadata: {} }),
  updateWebhook: ({ webhook }) => ({ input: { webhook, name: "changed" } }),
  updateWorkflow: ({ workflow }) => ({ input: { workflow: { id: workflow }, description: "changed" } }),
  updateSchedule: ({ schedule }) => ({ input: { schedule, enabled: false } }),
  updateThread: ({ thread }) => ({ input: { thread, archived: true } }),
};

/** Where a mutation points to an object without changing it, and where admins may do what else is for owners. */
const purposes: Readonly<Record<string, Purpose>> = {
  "createAgent input.toolPolicies.approvers.actors": "USE",
  "updateAgent input.toolPolicies.approvers.actors": "USE",
  "createSchedule input.target.agent": "USE",
  "createSchedule input.target.workflow": "USE",
  "updateSchedule input.target.agent": "USE",
  "updateSchedule input.target.workflow": "USE",
  "createThread input.agent": "USE",
  "updateThread input.agent": "USE",
  "sendMessage input.agent": "USE",
  "startRun input.target.agent": "USE",
  "createInboundWebhook input.target.agent": "USE",
  "createInboundWebhook input.target.workflow": "USE",
  "updateInboundWebhook input.target.agent": "USE",
  "updateInboundWebhook input.target.workflow": "USE",
  "startRun input.target.workflow": "USE",
  "setBudget input.scopeId": "USE",
  "cancelRun run": "CANCEL",
};

export function purposeOf(mutation: string, { path }: IdPath): Purpose {
  return purposes[`${mutation} ${path.join(".")}`] ?? "CHANGE";
}

/** What an argument of a mutation or subscription names, by what it is called: its type, and which of somebody's objects fits. */
export const named: Readonly<Record<string, { readonly type: string; readonly of: (mine: Mine, root: string) => string }>> = {
  AgentRef: { type: "Agent", of: ({ agent }) => agent },
  WorkflowRef: { type: "Workflow", of: ({ workflow }) => workflow },
  actors: { type: "Actor", of: ({ actor }) => actor },
  budget: { type: "Budget", of: ({ budget }) => budget },
  id: { type: "Budget or Thread", of: ({ budget, thread }, root) => (root === "setBudget" ? budget : thread) },
  scopeId: { type: "Agent", of: ({ agent }) => agent },
  at: { type: "Message", of: ({ answer }) => answer },
  checkpoint: { type: "Checkpoint", of: ({ checkpoint }) => checkpoint },
  delivery: { type: "WebhookDelivery", of: ({ delivery }) => delivery },
  file: { type: "File", of: ({ file }) => file },
  interrupt: { type: "Interrupt", of: ({ interrupt }) => interrupt },
  message: { type: "Message", of: ({ answer }) => answer },
  policies: { type: "RetentionPolicy", of: ({ policy: set }) => set },
  record: { type: "MemoryRecord", of: ({ record }) => record },
  run: { type: "Run", of: ({ waitingRun, finishedRun }, root) => (root === "retryRun" ? finishedRun : waitingRun) },
  schedule: { type: "Schedule", of: ({ schedule }) => schedule },
  thread: { type: "Thread", of: ({ thread }) => thread },
  webhook: {
    type: "Webhook or InboundWebhook",
    of: ({ webhook, inboundWebhook }, root) => (root.endsWith("InboundWebhook") ? inboundWebhook : webhook),
  },
};

/** How a mutation refuses an object that is not there, by what the argument is called; as NOT_FOUND where it does not stand here. */
export const refusals: Readonly<Record<string, string>> = { actors: "INVALID_INPUT" };

/** What owners may not do either. */
export const forAdmins: readonly string[] = ["applyRetention", "removeBudget", "setBudget", "setRetentionPolicy", "startJob"];

/** Queries with arguments that name no object. */
export const nameless: readonly string[] = ["validateWorkflow"];

/** Subscriptions that an auditor may follow for others; all others are for owners alone. */
export const auditable: readonly string[] = ["runEvents"];
