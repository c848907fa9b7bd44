import { DateTime, IANAZone } from "luxon";
import { WeftlineError, type ToolDefinition } from "#weftline";

/** Tells the time. */
export const timeNow: ToolDefinition = {
  name: "time.now",
  description: "The present date and time, in UTC or in a timezone by its IANA name.",
  inputSchema: {
    type: "object",
    properties: { timezone: { type: "string", description: "An IANA timezone, as in Europe/Vienna. UTC by default." } },
    additionalProperties: false,
  },
  outputSchema: {
    type: "object",
    properties: {
      iso: { type: "string", description: "The time by ISO 8601, with its offset." },
      timezone: { type: "string", description: "The timezone of iso." },
      unixMs: { type: "integer", description: "Milliseconds since 1970." },
    },
    required: ["iso", "timezone", "unixMs"],
    additionalProperties: false,
  },
  sideEffects: "READ",
  approval: "NEVER",
  idempotent: true,
  timeoutMs: 1_000,
  execute: ({ timezone = "UTC" }: { readonly timezone?: string }) => {
    if (!IANAZone.isValidZone(timezone)) {
      throw new WeftlineError("INVALID_INPUT", {
        message: `There is no timezone "${timezone}"; give an IANA name such as Europe/Vienna.`,
        path: ["timezone"],
      });
    }
    const now = DateTime.now().setZone(timezone);
    return { iso: now.toISO(), timezone, unixMs: now.toMillis() };
  },
};
