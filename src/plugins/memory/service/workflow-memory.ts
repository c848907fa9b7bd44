import { WeftlineError } from "#weftline";
import type { WorkflowMemory } from "../contract.ts";
import type { MemoryHost } from "./host.ts";
import { placeOfRun } from "./places.ts";

/** An expression is given all or nothing: the log keeps what it was given. */
const most = { records: 500, characters: 262_144 };
const words = { records: `${most.records} facts`, characters: `${most.characters / 1_024} KiB of texts and metadata` };

/** What the runs of a tree remember in common: the place is that of the run's row. */
export function createWorkflowMemory({ store }: MemoryHost): WorkflowMemory {
  return {
    async facts(run) {
      const place = placeOfRun(run, "WORKFLOW");
      const found = place ? await store.facts(place, most) : { facts: [] };
      if ("excess" in found) {
        const advice = "Forget some, give facts a ttl, or let a node search them with the tool memory.search.";
        throw new WeftlineError("INVALID_INPUT", {
          message: `What this run remembers is too much for an expression: more than ${words[found.excess]}. ${advice}`,
        });
      }
      return found.facts.map(({ createdAt, ...fact }) => ({ ...fact, createdAt: new Date(createdAt).toISOString() }));
    },
  };
}
