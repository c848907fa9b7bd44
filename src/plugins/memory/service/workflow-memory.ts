import { v5 } from "uuid";
import { Run, WeftlineError } from "#weftline";
import type { RunOfTree, WorkflowMemory } from "../contract.ts";
import type { Fact, FactBounds } from "../store/store.ts";
import { keep } from "./keep.ts";
import type { MemoryHost } from "./host.ts";
import { placeOfRun } from "./places.ts";

/** An expression is given all or nothing: the log keeps what it was given. */
const mostSeen = { records: 500, characters: 262_144 };
/** What one run takes over from another. */
const mostTaken = { records: 2_000, characters: 4_194_304 };
/** Facts that one commit takes over. */
const batch = 20;

const taken = "6a0b4b0e-6c1c-4c52-9c80-1f4f9d0c5f0b";

/** The id of a record once a run has taken it over: what nodes of the first run gave still names it by its own. */
export function takenId(rootId: string, id: string): string {
  return v5(`${rootId}/${id}`, taken);
}

/** What the runs of a tree remember in common: the place is that of the run's row. */
export function createWorkflowMemory(host: MemoryHost): WorkflowMemory {
  const { database, store } = host;

  async function all(run: RunOfTree, most: FactBounds, words: { readonly what: string; readonly fix: string }): Promise<readonly Fact[]> {
    const place = placeOfRun(run, "WORKFLOW");
    const found = place ? await store.facts(place, most) : { facts: [] };
    if (!("excess" in found)) return found.facts;
    const much = found.excess === "records" ? `${most.records} facts` : `${most.characters / 1_024} KiB of texts and metadata`;
    throw new WeftlineError("INVALID_INPUT", { message: `${words.what}: more than ${much}. ${words.fix}` });
  }

  return {
    async facts(run) {
      const facts = await all(run, mostSeen, {
        what: "What this run remembers is too much for an expression",
        fix: "Forget some, give facts a ttl, or let a node search them with the tool memory.search.",
      });
      return facts.map(({ id, text, metadata, createdAt }) => ({ id, text, metadata, createdAt: new Date(createdAt).toISOString() }));
    },

    async takeOver(run, from) {
      const { tenantId, ownerId, rootId } = run;
      const place = placeOfRun(run, "WORKFLOW");
      const source = await database.em("SYSTEM").findOne(Run, { id: from, tenantId, ownerId });
      if (!source || !place) return;
      const facts = await all(source, mostTaken, {
        what: "The run that this one begins from remembers too much to be taken over",
        fix: "Forget some, or start a new run.",
      });
      const now = await database.now();
      for (let at = 0; at < facts.length; at += batch) {
        const some = facts.slice(at, at + batch);
        await database.write(
          "SYSTEM",
          async (tx) => {
            // One that was taken over before is one with itself.
            for (const { id, text, metadata, expiresAt } of some)
              await keep(host, tx, {
                id: takenId(rootId, id),
                place,
                ownerId,
                text,
                metadata,
                sourceRunId: from,
                now,
                expiresAt,
                vector: undefined,
              });
          },
          "memory.take-over",
        );
      }
    },
  };
}
