import type { Attributes, HrTime, Link } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** Numbers of OpenTelemetry's enums: its API is loaded only where spans are sent. */
export const kinds = { internal: 0, client: 2 } as const;
const statuses = { unset: 0, error: 2 } as const;
const recorded = 1;

/** Where a span stands. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
}

/** A moment within a span. Times in milliseconds since 1970. */
export interface SpanEvent {
  readonly name: string;
  readonly at: number;
  readonly attributes: Attributes;
}

/** A span as rows tell it. Times in milliseconds since 1970. */
export interface SpanDraft extends SpanPlace {
  readonly name: string;
  readonly kind: (typeof kinds)[keyof typeof kinds];
  readonly parentId: string | undefined;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Absent values are left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | null | undefined>>;
  /** Why it failed, in a word or two; nothing where it did not. */
  readonly error?: string | undefined;
  readonly links?: readonly SpanPlace[];
  readonly events?: readonly SpanEvent[];
}

/** What all spans of a host have in common. */
export type SpanOrigin = Pick<ReadableSpan, "resource" | "instrumentationScope">;

/** A span as the exporter takes it. */
export function readableSpan(draft: SpanDraft, origin: SpanOrigin): ReadableSpan {
  const { name, kind, parentId, startedAt, error, links = [], events = [] } = draft;
  const finishedAt = Math.max(startedAt, draft.finishedAt);
  const present = Object.entries(draft.attributes).filter((each): each is [string, string | number | boolean] => each[1] != null);
  const context = contextOf(draft);
  return {
    ...origin,
    name,
    kind,
    spanContext: () => context,
    ...(parentId === undefined ? {} : { parentSpanContext: contextOf({ traceId: draft.traceId, spanId: parentId }) }),
    startTime: timeOf(startedAt),
    endTime: timeOf(finishedAt),
    duration: timeOf(finishedAt - startedAt),
    ended: true,
    status: error === undefined ? { code: statuses.unset } : { code: statuses.error, message: error },
    attributes: Object.fromEntries(present),
    links: links.map((place): Link => ({ context: contextOf(place) })),
    events: events.map(({ name: what, at, attributes }) => ({ name: what, time: timeOf(at), attributes, droppedAttributesCount: 0 })),
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId }: SpanPlace): ReturnType<ReadableSpan["spanContext"]> {
  return { traceId, spanId, traceFlags: recorded };
}

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
