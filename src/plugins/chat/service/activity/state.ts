import { enumKey } from "#weftline";

/** What an agent is at. */
export const AgentPhase = enumKey("THINKING", "WRITING", "CALLING_TOOL", "WAITING");
export type AgentPhase = keyof typeof AgentPhase;

/** The type key of the `Activity` interface: what somebody does in a thread at this moment. */
export class Activity {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;

  constructor(expiresAt: number) {
    this.expiresAt = expiresAt;
  }
}

/** Somebody writes. */
export class TypingActivity extends Activity {
  readonly actorId: string;

  constructor(actorId: string, expiresAt: number) {
    super(expiresAt);
    this.actorId = actorId;
  }
}

/** Somebody has the thread open. */
export class PresenceActivity extends Activity {
  readonly actorId: string;

  constructor(actorId: string, expiresAt: number) {
    super(expiresAt);
    this.actorId = actorId;
  }
}

/** An agent is at work. */
export class AgentActivity extends Activity {
  readonly runId: string;
  readonly phase: AgentPhase;
  readonly toolName: string | null;

  constructor(run: RunPhase, expiresAt: number) {
    super(expiresAt);
    this.runId = run.runId;
    this.phase = run.phase;
    this.toolName = run.toolName;
  }
}

/** What one open run is at. */
export interface RunPhase {
  readonly runId: string;
  readonly phase: AgentPhase;
  readonly toolName: string | null;
}
