import { localId, type ThreadResolver } from "#weftline";
import type { ChatService } from "../contract.ts";
import type { ChatDeps } from "./deps.ts";
import { clearThread, deleteThread } from "./erase.ts";
import { forkThread } from "./fork/fork.ts";
import { messagesOf } from "./messages.ts";
import { refuseArchived, regenerateMessage, sendMessage, settingsOf } from "./send.ts";
import { createThread, findThread, listThreads, updateThread } from "./threads.ts";

export function createChat(deps: ChatDeps): ChatService {
  const { activities, streams } = deps;
  return {
    find: findThread,
    list: listThreads,
    create: (scope, request) => createThread(deps, scope, request),
    update: (scope, request) => updateThread(deps, scope, request),
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
