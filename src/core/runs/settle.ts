/** A failed check is told only when there is no first answer for the idempotency key. @returns what gives its result or throws. */
export async function settle<T>(work: Promise<T>): Promise<() => T> {
  try {
    const value = await work;
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
