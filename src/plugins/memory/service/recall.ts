import type { Memory } from "#weftline";
import { placeOfRun } from "./places.ts";
import { findIn } from "./search.ts";
import type { MemoryHost } from "./host.ts";

/** What agents recall: the places are those of the run's row, and nothing of them is what a caller or a model said. */
export function createMemory(host: MemoryHost): Memory {
  return {
    async recall({ run, scopes, limit, query, signal }) {
      const places = scopes.flatMap((scope) => placeOfRun(run, scope) ?? []);
      const { tenantId, ownerId } = run;
      const found = await findIn(host, { query, places, limit, caller: `${tenantId}:${ownerId}`, tenantId, signal });
      return found.map(({ id, scope, text, score }) => ({ id, scope, text, score }));
    },
  };
}
