import { AsyncLocalStorage, createHook } from "node:async_hooks";

/** What is open without anybody waiting for more than the next turn of the event loop. */
const harmless: ReadonlySet<string> = new Set(["PROMISE", "Microtask", "TickObject", "Immediate", "RANDOMBYTESREQUEST"]);

/** What some work has begun: timers, sockets, files, processes. */
export interface Began {
  /** What it began at all, as in `Timeout`. */
  readonly kinds: Set<string>;
  readonly open: Map<number, { readonly kind: string; readonly resource: object }>;
}

/** Watches what is begun within {@link ResourceWatch.during}, and what is still open of it. */
export class ResourceWatch implements Disposable {
  readonly #within = new AsyncLocalStorage<Began | undefined>();
  readonly #owners = new Map<number, Began>();
  readonly #hook = createHook({
    init: (id, kind, _trigger, resource) => {
      const began = this.#within.getStore();
      if (!began || harmless.has(kind)) return;
      began.kinds.add(kind);
      began.open.set(id, { kind, resource });
      this.#owners.set(id, began);
    },
    destroy: (id) => {
      this.#owners.get(id)?.open.delete(id);
      this.#owners.delete(id);
    },
  });

  constructor() {
    this.#hook.enable();
  }

  /** Runs something; what it begins, now and later, is noted. */
  during<T>(began: Began, run: () => T): T {
    return this.#within.run(began, run);
  }

  /** Runs something that is not noted, although it is called by what is. */
  outside<T>(run: () => T): T {
    return this.#within.run(undefined, run);
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

export function nothingBegun(): Began {
  return { kinds: new Set(), open: new Map() };
}

/** What would keep a process from ending. */
export function stillOpen({ open }: Began): string[] {
  return [...open.values()].flatMap(({ kind, resource }) => ((resource as { hasRef?(): boolean }).hasRef?.() === false ? [] : [kind]));
}
