import { WeftlineError } from "#weftline";

/** Waits for all, whatever becomes of some: what one has begun is not lost because another waits for a person. @throws the gravest. */
export async function together<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(works);
  const failed = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  const grave = failed.find((error) => !(error instanceof WeftlineError && error.code === "RUN_SUSPENDED")) ?? failed[0];
  if (grave !== undefined) throw grave;
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}
