/**
 * Waits for work, but not for ever: work that hangs is left behind.
 *
 * @param late makes the error for work that takes longer than `ms`.
 */
export async function within<T>(ms: number, work: () => T | Promise<T>, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const result = work();
  if (!(result instanceof Promise)) return result;
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([result, promise]);
  } finally {
    clearTimeout(timer);
  }
}
