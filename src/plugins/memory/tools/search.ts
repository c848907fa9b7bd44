import type { MemoryScope, ToolDefinition } from "#weftline";
import type { MemoryHost } from "../service/host.ts";
import { findIn } from "../service/search.ts";
import { allowedTo, placeNamed } from "./allowed.ts";

const most = 20;

/** Searches what the run may use. */
export function createSearchTool(host: MemoryHost): ToolDefinition {
  return {
    name: "memory.search",
    description: "Finds facts that were remembered, by what they mean and by their words, the best first.",
    inputSchema: {
      type: "object",
      properties: {
        query: { type: "string", minLength: 1, maxLength: 4_000, description: "What to look for." },
        limit: { type: "integer", minimum: 1, maximum: most, description: "How many; 5 by default." },
        scopes: {
          type: "array",
          items: { enum: ["THREAD", "AGENT", "WORKFLOW", "USER", "TENANT"] },
          maxItems: 5,
          description: "Whose memory; by default all that this run may use.",
        },
      },
      required: ["query"],
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: {
        records: {
          type: "array",
          items: {
            type: "object",
            properties: {
              id: { type: "string" },
              scope: { type: "string" },
              text: { type: "string" },
              score: { type: "number", description: "From 0 to 1." },
              matchedBy: { type: "array", items: { enum: ["VECTOR", "KEYWORD"] } },
            },
            required: ["id", "scope", "text", "score", "matchedBy"],
            additionalProperties: false,
          },
        },
      },
      required: ["records"],
      additionalProperties: false,
    },
    sideEffects: "READ",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 15_000,
    execute: async (
      { query, limit = 5, scopes }: { readonly query: string; readonly limit?: number; readonly scopes?: readonly MemoryScope[] },
      ctx,
    ) => {
      const allowed = await allowedTo(host, ctx);
      const places = scopes && scopes.length > 0 ? scopes.map((scope) => placeNamed(allowed, scope, [])) : [...allowed.places.values()];
      const { tenantId, ownerId, signal } = ctx;
      const found = await findIn(host, { query, places, limit, caller: `${tenantId}:${ownerId}`, tenantId, signal });
      return { records: found.map(({ id, scope, text, score, matchedBy }) => ({ id, scope, text, score, matchedBy })) };
    },
  };
}
