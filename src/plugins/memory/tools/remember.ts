import { v5 } from "uuid";
import { WeftlineError, type MemoryScope, type ToolContext, type ToolDefinition } from "#weftline";
import { MemoryRecord } from "../entities.ts";
import type { MemoryHost } from "../service/host.ts";
import { keep, supersede } from "../service/keep.ts";
import { checkedMetadata, checkedText, longestText } from "../service/problems.ts";
import { allowedTo, placeNamed } from "./allowed.ts";
import { recordToChange } from "./found.ts";

interface RememberArguments {
  readonly text: string;
  readonly scope?: MemoryScope;
  readonly metadata?: unknown;
  readonly replaces?: string;
}

/** Makes the id of a record from the key of the call that keeps it. */
const keyed = "1b3f0a52-9f0e-4f8c-8f0d-4b8b1d4a7c11";

/** Models write nothing that all of a tenant read. */
const writable: readonly MemoryScope[] = ["USER", "THREAD", "AGENT", "WORKFLOW"];

/** Remembers a fact for the owner of the run. */
export function createRememberTool(host: MemoryHost): ToolDefinition {
  return {
    name: "memory.remember",
    description:
      "Remembers one fact for later conversations, in a sentence that says by itself what it is about. Where a fact that memory.search found is no longer true, name its id in replaces.",
    inputSchema: {
      type: "object",
      properties: {
        text: { type: "string", minLength: 1, maxLength: longestText, description: "The fact." },
        scope: {
          enum: writable,
          description:
            "Whose memory: USER is remembered in all conversations of the user, THREAD in this one, AGENT by this agent, WORKFLOW by the agents of this run.",
        },
        metadata: { type: "object", description: "What to find it by besides." },
        replaces: { type: "string", maxLength: 100, description: "The id of a fact that this one takes the place of." },
      },
      required: ["text"],
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: { id: { type: "string" }, scope: { type: "string" }, outcome: { enum: ["SAVED", "MERGED", "UPDATED"] } },
      required: ["id", "scope", "outcome"],
      additionalProperties: false,
    },
    sideEffects: "WRITE",
    approval: "NEVER",
    // A call whose process was lost is made again, and remembers nothing twice.
    idempotent: true,
    timeoutMs: 15_000,
    execute: async ({ text: given, scope, metadata, replaces }: RememberArguments, ctx) => {
      const text = checkedText(given, ["text"]);
      const meant = checkedMetadata(metadata, ["metadata"]);
      const key = ctx.idempotencyKey;
      const id = v5(key, keyed);
      const made = await host.store.callOf(key);
      if (made) return told(ctx, { id: made.id ?? id, scope: made.scope ?? scope ?? "USER", own: id, replaces });
      const allowed = await allowedTo(host, ctx);
      const old = replaces === undefined ? undefined : await recordToChange(host, allowed, replaces);
      const place = placeNamed(allowed, old?.scope ?? scope, writable);
      if (place.scope === "TENANT") throw new WeftlineError("FORBIDDEN", { message: "No agent writes what all of the tenant remember." });
      const vector = await host.embedding.vectorOf(text, ctx.signal);
      const now = await host.database.now();
      const fact = { id, place, ownerId: ctx.ownerId, text, metadata: meant, sourceRunId: ctx.runId, now, expiresAt: null, vector };
      const kept = await host.database.write(
        "SYSTEM",
        async (tx): Promise<string> => {
          const known = await host.store.callOf(key, tx);
          if (known) return known.id ?? id;
          const { id: keptId } = await keep(host, tx, fact, old?.id);
          await host.store.noteCall(tx, key, keptId);
          const current = old && (await tx.em.findOne(MemoryRecord, { id: old.id }));
          if (current && current.supersededById == null) await supersede(host, tx, current, { by: keptId, now });
          return keptId;
        },
        "memory.remember-tool",
      );
      return told(ctx, { id: kept, scope: place.scope, own: id, replaces: old?.id });
    },
  };
}

interface Told {
  readonly id: string;
  readonly scope: MemoryScope;
  /** The id of a record that the call makes, where nothing says the same yet. */
  readonly own: string;
  readonly replaces: string | undefined;
}

/** Tells the log and the model what became of a fact: the same whenever the call is made again. */
function told({ memoryChanged }: ToolContext, { id, scope, own, replaces }: Told): object {
  const outcome = replaces !== undefined ? "UPDATED" : id === own ? "SAVED" : "MERGED";
  memoryChanged({ action: outcome === "SAVED" ? "SAVED" : "UPDATED", records: replaces === undefined ? [id] : [id, replaces] });
  return { id, scope, outcome };
}
