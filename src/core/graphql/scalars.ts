import { DateTime, Duration } from "luxon";
import { GraphQLError, Kind, valueFromASTUntyped } from "graphql";
import { maxJsonDepth } from "../json/plain.ts";
import type { GraphBuilder } from "./builder.ts";

const bad = (type: string, value: unknown): GraphQLError => new GraphQLError(`${JSON.stringify(value)} is not a ${type}.`);

function parseDateTime(value: unknown): Date {
  const parsed = typeof value === "string" ? DateTime.fromISO(value, { setZone: true }) : undefined;
  if (!parsed?.isValid || !/[zZ]|[+-]\d\d:?\d\d$/.test(value as string)) throw bad("DateTime such as 2026-01-31T12:00:00Z", value);
  return parsed.toJSDate();
}

function parseDuration(value: unknown): number {
  const ms = typeof value === "string" ? isoDurationMs(value) : undefined;
  if (ms === undefined) throw bad("Duration such as PT30S or P1D", value);
  return ms;
}

/** Milliseconds of a duration of ISO 8601, as in `PT1M30S`; nothing where it is none, or less than zero. */
export function isoDurationMs(text: string): number | undefined {
  // "P" alone says nothing, nor does a "T" that no time follows.
  const parsed = /\d[A-Z]$/.test(text) ? Duration.fromISO(text) : undefined;
  const ms = parsed?.isValid ? parsed.toMillis() : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** ISO 8601 of a number of milliseconds, as in `PT1M30S`. */
export function isoDuration(ms: number): string {
  const duration = Duration.fromMillis(ms).shiftTo("days", "hours", "minutes", "seconds");
  const parts = Object.fromEntries(Object.entries(duration.toObject()).filter(([, amount]) => amount !== 0));
  return Object.keys(parts).length === 0 ? "PT0S" : Duration.fromObject(parts).toISO();
}

function parseSafeInt(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw bad("whole number up to 2^53 - 1", value);
  return value;
}

/** What came as JSON, unless it is none (literals can be infinite) or nests so deep that reading it would exhaust the stack. */
function parseJson(value: unknown): unknown {
  const left: [value: unknown, depth: number][] = [[value, 0]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [part, depth] = next;
    if (typeof part === "number" && !Number.isFinite(part)) throw new GraphQLError("A JSON number is finite.");
    if (typeof part !== "object" || part === null) continue;
    if (depth === maxJsonDepth) throw new GraphQLError(`A JSON value nests at most ${maxJsonDepth} deep.`);
    for (const inner of Object.values(part)) left.push([inner, depth + 1]);
  }
  return value;
}

export function addScalars(builder: GraphBuilder): void {
  builder.scalarType("DateTime", {
    description: "A moment with its offset, as in 2026-01-31T12:00:00Z.",
    specifiedByURL: "https://scalars.graphql.org/andimarek/date-time.html",
    serialize: (value) => new Date(value).toISOString(),
    parseValue: parseDateTime,
  });
  builder.scalarType("Duration", {
    description: "A length of time by ISO 8601, as in PT30S or P1D.",
    specifiedByURL: "https://en.wikipedia.org/wiki/ISO_8601#Durations",
    serialize: isoDuration,
    parseValue: parseDuration,
  });
  builder.scalarType("JSON", {
    description: "Any JSON value. Only where a plugin, a framework or the user owns the shape.",
    specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
    serialize: (value) => value,
    parseValue: parseJson,
    parseLiteral: (node, variables) => parseJson(valueFromASTUntyped(node, variables)),
  });
  builder.scalarType("SafeInt", {
    description: "A whole number up to 2^53 - 1, a JSON number.",
    serialize: parseSafeInt,
    parseValue: parseSafeInt,
    parseLiteral: (node) => parseSafeInt(node.kind === Kind.INT ? Number(node.value) : undefined),
  });
}
