import { v5 } from "uuid";
import { WeftlineError, type MemoryScope, type ToolDefinition } from "#weftline";
import { MemoryRecord } from "../entities.ts";
import type { MemoryHost } from "../service/host.ts";
import { keep, supersede, type Kept } from "../service/keep.ts";
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
      const allowed = await allowedTo(host, ctx);
      const old = replaces === undefined ? undefined : await recordToChange(host, allowed, replaces);
      const place = placeNamed(allowed, old?.scope ?? scope, writable);
      if (place.scope === "TENANT") throw new WeftlineError("FORBIDDEN", { message: "No agent writes what all of the tenant remember." });
      const vector = await host.embedding.vectorOf(text, ctx.signal);
      const now = await host.database.now();
      const id = v5(ctx.idempotencyKey, keyed);
      const fact = { id, place, ownerId: ctx.ownerId, text, metadata: meant, sourceRunId: ctx.runId, now, expiresAt: null, vector };
      const kept = await host.database.write(
        "SYSTEM",
        async (tx): Promise<Kept> => {
          if (await tx.em.findOne(MemoryRecord, { id })) return { id, outcome: "SAVED" };
          const made = await keep(host, tx, fact, old?.id);
          const current = old && (await tx.em.findOne(MemoryRecord, { id: old.id }));
          if (current && current.supersededById == null) await supersede(host, tx, current, { by: made.id, now });
          return made;
        },
        "memory.remember-tool",
      );
      const outcome = old ? "UPDATED" : kept.outcome;
      ctx.memoryChanged({ action: old || outcome === "MERGED" ? "UPDATED" : "SAVED", records: old ? [kept.id, old.id] : [kept.id] });
      return { id: kept.id, scope: place.scope, outcome };
    },
  };
}
