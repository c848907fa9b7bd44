import { z } from "zod";
import { defineJob, type JobDefinition } from "#weftline";
import { embedSome, type PendingParts } from "./service/pending.ts";

/** Gives a vector of the present embedder to all records that have one of another, those of every tenant: the embedder is the host's. */
export function reindexJob({ database, store, embedding }: PendingParts): JobDefinition {
  return defineJob({
    name: "memory.reindex",
    description: "Embeds anew what another embedder embedded. Until a record's turn comes it is found by its words.",
    state: z.object({ done: z.int(), after: z.int() }),
    onBusy: "REJECT",
    async run({ state, signal, progress, save }) {
      let { done, after } = state ?? { done: 0, after: 0 };
      const most = Number.MAX_SAFE_INTEGER;
      const total = done + (await store.countUnembedded({ embedder: embedding.number, which: "other", after, most }));
      for (;;) {
        progress(done, Math.max(done, total));
        const embedded = await embedSome({ database, store, embedding }, { which: "other", after }, signal);
        if (!embedded) break;
        done += embedded.count;
        after = embedded.last;
        await save({ done, after });
      }
      return { records: done };
    },
  });
}
