import { setTimeout as rest } from "node:timers/promises";
import { z } from "zod";
import { defineJob, type JobDefinition } from "#weftline";
import { backoff, embedSome, type Embedded, type PendingParts } from "./service/pending.ts";

/** So many failures one after the other end it, after some minutes. */
const mostFailures = 8;

/** Gives a vector of the present embedder to all records that have one of another, those of every tenant: the embedder is the host's. */
export function reindexJob({ database, store, embedding }: PendingParts): JobDefinition {
  return defineJob({
    name: "memory.reindex",
    description: "Embeds anew what another embedder embedded. Until a record's turn comes it is found by its words.",
    state: z.object({ done: z.int(), after: z.int(), refused: z.int().default(0), embedder: z.int().default(0) }),
    onBusy: "REJECT",
    async run({ state, signal, progress, save }) {
      const embedder = embedding.number;
      let { done, after, refused } = state ?? { done: 0, after: 0, refused: 0 };
      // The embedder was changed again meanwhile: what was embedded for the one before waits once more.
      if (state && state.embedder !== embedder) [done, after, refused] = [0, 0, 0];
      const total = done + refused + (await store.countUnembedded({ embedder, which: "other", after, most: Number.MAX_SAFE_INTEGER }));
      for (;;) {
        progress(done + refused, Math.max(done + refused, total));
        const some = await patiently(() => embedSome({ database, store, embedding }, { which: "other", after }, signal), signal);
        if (!some) break;
        done += some.count;
        refused += some.refused;
        after = some.last;
        await save({ done, after, refused, embedder });
      }
      return { records: done, refused };
    },
  });
}

/** An embedder that fails is asked again, later and later: a long job does not end by a short failure. */
async function patiently(work: () => Promise<Embedded | undefined>, signal: AbortSignal): Promise<Embedded | undefined> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || failures === mostFailures) throw error;
      await rest(backoff(failures), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
