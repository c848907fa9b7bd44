import { databaseService, type Scope } from "#weftline";

/** The ids of embedders by their numbers, in their order. */
export async function embedderNames(scope: Scope, nums: readonly string[]): Promise<(string | undefined)[]> {
  const rows = await scope.use(databaseService).read.all<{ num: number; id: string }>("select num, id from memory_embedder");
  const names = new Map(rows.map(({ num, id }) => [String(num), id]));
  return nums.map((num) => names.get(num));
}
