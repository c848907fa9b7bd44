/** A signal whose listeners are counted. */
export interface CountedSignal {
  readonly signal: AbortSignal;
  /** Those that were added and not removed, apart from what Node itself keeps until garbage collection. */
  listeners(this: void): number;
}

/** Follows a signal. */
export function countedSignal(source: AbortSignal): CountedSignal {
  const signal = AbortSignal.any([source]);
  const open = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  const added: typeof addEventListener = (
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ) => {
    // What fetch adds goes when its request is collected.
    if (!new Error("").stack?.includes("node:internal/deps/undici")) open.add(listener);
    addEventListener.call(signal, type, listener, options);
  };
  const removed: typeof removeEventListener = (
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ) => {
    open.delete(listener);
    removeEventListener.call(signal, type, listener, options);
  };
  Object.defineProperties(signal, { addEventListener: { value: added }, removeEventListener: { value: removed } });
  return { signal, listeners: () => (signal.aborted ? 0 : open.size) };
}
