import { createContext, Script } from "node:vm";

/** Runs synchronous work that a user wrote, in limited time. */
export interface TimeLimit {
  /** @throws what the work throws, and an error with the code ERR_SCRIPT_EXECUTION_TIMEOUT where it takes longer. */
  within<T>(ms: number, work: () => T): T;
}

/** Synchronous work can be stopped only beneath a script; the script is made at the first use. */
export function createTimeLimit(): TimeLimit {
  let place: { readonly context: { work?: () => unknown }; readonly script: Script } | undefined;
  return {
    within<T>(ms: number, work: () => T): T {
      place ??= { context: createContext({}) as { work?: () => unknown }, script: new Script("work()") };
      const { context, script } = place;
      context.work = work;
      try {
        return script.runInContext(context, { timeout: ms }) as T;
      } finally {
        delete context.work;
      }
    },
  };
}
