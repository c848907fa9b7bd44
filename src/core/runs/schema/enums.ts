import type { GraphBuilder } from "../../graphql/builder.ts";
import { defineEnum } from "../../graphql/enums.ts";
import {
  DecisionKind,
  DeltaChannel,
  FrameworkMode,
  InterruptKind,
  InterruptStatus,
  MessageRole,
  MessageStatus,
  OnBusy,
  RunStatus,
  RunTrigger,
  StepKind,
  StepStatus,
  ToolCallStatus,
} from "../types.ts";

export function addEnums(builder: GraphBuilder): void {
  addRunEnums(builder);
  addMessageEnums(builder);
  addInterruptEnums(builder);
  defineEnum(builder, FrameworkMode, "FrameworkMode", "How a framework answers.", {
    LIVE: "With real models.",
    SIMULATED: "With the simulated model.",
    UNAVAILABLE: "Not at all; see reason and fix.",
  });
}

function addRunEnums(builder: GraphBuilder): void {
  defineEnum(builder, RunStatus, "RunStatus", "Where a run stands. The last four are final.", {
    QUEUED: "It waits for a worker, or behind another run.",
    RUNNING: "It is at work.",
    WAITING: "It waits for a person, a timer, a signal or a run below it, and holds no worker.",
    PAUSED: "It was paused, and goes on with resumeRun.",
    CANCELLING: "A cancel was asked for; it winds down.",
    SUCCEEDED: "It came to its end.",
    FAILED: "It ended with a failure.",
    CANCELLED: "It was cancelled.",
    EXPIRED: "It passed its deadline.",
  });
  defineEnum(builder, RunTrigger, "RunTrigger", "What started a run.", {
    API: "A call of startRun.",
    CHAT: "A message in a thread.",
    SCHEDULE: "A schedule.",
    WEBHOOK: "A webhook.",
    PARENT: "Another run.",
    RETRY: "A call of retryRun.",
    PLATFORM: "The platform itself.",
  });
  defineEnum(builder, OnBusy, "OnBusy", "What to do while another run is open on the thread or agent, also one that waits for a person.", {
    REJECT: "Refuse with a ConflictError.",
    ENQUEUE: "Queue behind it.",
    INTERRUPT: "Cancel it first.",
  });
  defineEnum(builder, StepKind, "StepKind", "What a step of a run does.", {
    MODEL: "It calls a model.",
    TOOL: "It calls a tool.",
    NODE: "It is a node of a workflow or graph.",
    AGENT: "It lets an agent work.",
    TASK: "It is a task of a crew.",
    MEMORY: "It recalls or saves memories.",
  });
  defineEnum(builder, StepStatus, "StepStatus", "Where a step stands.", {
    RUNNING: "It is at work.",
    WAITING: "It waits.",
    SUCCEEDED: "It came to its end.",
    FAILED: "It ended with an error.",
    CANCELLED: "It was cancelled.",
    SKIPPED: "Its condition did not hold.",
  });
}

function addMessageEnums(builder: GraphBuilder): void {
  defineEnum(builder, MessageRole, "MessageRole", "Who says a message.", {
    USER: "A person or a program.",
    ASSISTANT: "An agent.",
    SYSTEM: "The platform, or instructions.",
    TOOL: "A tool.",
  });
  defineEnum(builder, MessageStatus, "MessageStatus", "Where a message stands.", {
    STREAMING: "It is being written.",
    COMPLETE: "It is whole.",
    FAILED: "It broke off.",
    CANCELLED: "It was cancelled; what was said so far stands.",
  });
  defineEnum(builder, DeltaChannel, "DeltaChannel", "What a delta adds to.", { TEXT: "The answer.", REASONING: "The model's reasoning." });
  defineEnum(builder, ToolCallStatus, "ToolCallStatus", "Where a tool call stands. The last four are final.", {
    REQUESTED: "The model asked for it.",
    AWAITING_APPROVAL: "A person has to decide.",
    RUNNING: "It runs.",
    SUCCESS: "It has a result.",
    ERROR: "It failed; the model was told.",
    DENIED: "A person refused it, or nobody answered in time.",
    CANCELLED: "It was cancelled.",
  });
}

function addInterruptEnums(builder: GraphBuilder): void {
  defineEnum(builder, InterruptKind, "InterruptKind", "What a run waits for.", {
    TOOL_APPROVAL: "Leave to call a tool.",
    INPUT: "An answer.",
    REVIEW: "A review of what it has.",
    BUDGET: "Leave to spend more.",
    UNCERTAIN: "What became of work that came to no outcome: a tool call during which the server was lost, or that was not done in time.",
  });
  defineEnum(builder, InterruptStatus, "InterruptStatus", "Where an interrupt stands.", {
    PENDING: "It waits for a decision.",
    RESOLVED: "It was decided.",
    EXPIRED: "Nobody decided in time.",
    CANCELLED: "Its run ended first.",
  });
  defineEnum(builder, DecisionKind, "DecisionKind", "How an interrupt is decided.", {
    APPROVE: "Go on with exactly these arguments.",
    EDIT: "Go on with other arguments.",
    REJECT: "Do not; the agent is told the reason.",
    ANSWER: "Here is the answer.",
  });
}
