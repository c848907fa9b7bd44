import { serviceRef, type LoggedEvent, type Message, type Page, type PageArgs, type Scope } from "#weftline";
import type { Thread } from "./entities.ts";
import type { Activity } from "./service/activity/state.ts";
import type { MessageSelection } from "./service/messages.ts";
import type { CreateThread, ForkThread, RegenerateMessage, SendMessage, UpdateThread } from "./service/requests.ts";
import type { Answering } from "./service/send.ts";

export { Thread } from "./entities.ts";
export { Activity, AgentActivity, AgentPhase, PresenceActivity, TypingActivity } from "./service/activity/state.ts";
export type { MessageSelection } from "./service/messages.ts";
export type {
  CreateThread,
  ForkThread,
  RegenerateMessage,
  SendMessage,
  SentPart,
  ThreadConfigChange,
  UpdateThread,
} from "./service/requests.ts";
export type { Answering } from "./service/send.ts";

/**
 * Threads: made, changed, written to, watched. Ids are those of the database; every method acts as the scope's viewer and throws NOT_FOUND
 * for a thread of another.
 */
export interface ChatService {
  /** @param path where the id stood in the arguments, for the error. */
  find(scope: Scope, id: string, path?: readonly string[]): Promise<Thread>;
  /**
   * Threads, those that changed last first. `archived` null lists both.
   *
   * @throws FORBIDDEN for reach TENANT of a viewer who is no admin, INVALID_INPUT for a search that is too long.
   */
  list(scope: Scope, filter: ThreadFilter, args: PageArgs): Promise<Page<Thread>>;
  create(scope: Scope, request: CreateThread): Promise<Thread>;
  update(scope: Scope, request: UpdateThread): Promise<Thread>;
  /** Removes what was said. @throws BUSY while a run is open. */
  clear(scope: Scope, id: string): Promise<Thread>;
  /** Cancels its open runs and deletes it with all that belongs to it. */
  delete(scope: Scope, id: string): Promise<void>;
  fork(scope: Scope, request: ForkThread): Promise<Thread>;
  /** Adds a message and starts the run that answers it, both or neither. */
  send(scope: Scope, request: SendMessage): Promise<Answering>;
  regenerate(scope: Scope, request: RegenerateMessage): Promise<Answering>;
  /** Oldest first; without page arguments the last ones. */
  messages(scope: Scope, thread: Thread, selection: MessageSelection, args: PageArgs): Promise<Page<Message>>;
  /**
   * All that happens in a thread, in order; ends when it is deleted.
   *
   * @param after the last seq that is known; null for a snapshot first.
   * @throws INVALID_CURSOR
   */
  follow(scope: Scope, thread: Thread, after: number | null): Promise<AsyncIterableIterator<LoggedEvent>>;
  /** @returns until when the typing stands, in milliseconds since 1970; null where it ended. */
  type(scope: Scope, thread: Thread, what: "typing" | "idle"): number | null;
  /** What holds in a thread at this moment. */
  activity(scope: Scope, thread: Thread): Promise<readonly Activity[]>;
  /** The same, now and after each change; who watches is present. */
  watch(scope: Scope, thread: Thread): Promise<AsyncIterableIterator<readonly Activity[]>>;
}

/** Which threads a list holds. */
export interface ThreadFilter {
  /** Whose; the viewer's own by default. */
  readonly reach?: "MINE" | "TENANT" | undefined;
  /** The agent that answers in it. */
  readonly agentId?: string | undefined;
  /** Words of the title. */
  readonly search?: string | null | undefined;
  readonly archived?: boolean | null | undefined;
}

/** @example const thread = await scope.use(chatService).create(scope, { title: "Trip" }); */
export const chatService = serviceRef<ChatService>("chat.chat");
