export {
  createWeftlineClient,
  type FollowOptions,
  type FollowStreamOptions,
  type WeftlineClient,
  type WeftlineClientOptions,
} from "./client.ts";
export { WeftlineClientError, type ServerError } from "./errors.ts";
export type {
  InterruptStatus,
  MessageRole,
  MessageStatus,
  Provenance,
  RunEvent,
  RunStatus,
  SnapshotInterrupt,
  SnapshotMessage,
  SnapshotRun,
  StepStatus,
  ThreadChange,
  ThreadEvent,
  ToolCallStatus,
  Usage,
} from "./events.ts";
export { resumable, type ResumableOptions } from "./resumable.ts";
