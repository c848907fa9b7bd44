import { WeftlineError, hasRole, localId, type Scope, type ThreadResolver } from "#weftline";
import type { ChatService } from "../contract.ts";
import type { Thread } from "../entities.ts";
import type { ChatDeps } from "./deps.ts";
import { clearThread, deleteThread } from "./erase.ts";
import { forkThread } from "./fork/fork.ts";
import { changeHold } from "./legal-hold.ts";
import { messagesOf } from "./messages.ts";
import type { UpdateThread } from "./requests.ts";
import { refuseArchived, regenerateMessage, sendMessage, settingsOf } from "./send.ts";
import { createThread, findThread, listThreads, updateThread } from "./threads.ts";

export function createChat(deps: ChatDeps): ChatService {
  const { activities, streams } = deps;
  return {
    find: findThread,
    list: listThreads,
    create: (scope, request) => createThread(deps, scope, request),
    update: (scope, request) => changeThread(deps, scope, request),
    clear: (scope, id) => clearThread(deps, scope, id),
    delete: (scope, id) => deleteThread(deps, scope, id),
    fork: (scope, request) => forkThread(deps, scope, request),
    send: (scope, request) => sendMessage(deps, scope, request),
    regenerate: (scope, request) => regenerateMessage(deps, scope, request),
    messages: (scope, thread, selection, args) => messagesOf(deps, scope, thread, selection, args),
    follow: (_, { streamNum }, after) => streams.follow({ streamNum, after }),
    type: (scope, thread, what) => activities.type(scope, thread, what),
    activity: (scope, thread) => activities.state(scope, thread),
    watch: (scope, thread) => activities.watch(scope, thread),
  };
}

/** The hold is for admins, whose thread it may not be; all else is for its owner. */
async function changeThread(deps: ChatDeps, scope: Scope, request: UpdateThread): Promise<Thread> {
  const { thread, legalHold, ...fields } = request;
  if (legalHold === undefined) return updateThread(deps, scope, request);
  const isAlone = Object.values(fields).every((value) => value === undefined);
  if (isAlone) return changeHold(deps, scope, request);
  // What is refused changes nothing: the owner's part comes first, and only admins come that far.
  if (!hasRole(scope.viewer, "admin")) throw new WeftlineError("FORBIDDEN", { path: ["input", "legalHold"] });
  await updateThread(deps, scope, { thread, ...fields });
  return changeHold(deps, scope, request);
}

/** Lets `startRun` put a run into a thread. */
export function createThreadResolver(deps: Pick<ChatDeps, "config">): ThreadResolver {
  return {
    async find(scope, id, path) {
      const thread = await findThread(scope, localId("Thread", id, path), path);
      refuseArchived(thread, path);
      return { id: thread.id, streamNum: thread.streamNum, settings: settingsOf(deps, thread) };
    },
  };
}
