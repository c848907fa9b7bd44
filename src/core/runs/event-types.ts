import { partsOf, type GraphBuilder, type GraphTypes } from "../graphql/builder.ts";
import { globalId } from "../graphql/ids.ts";
import type { LoggedEvent } from "./events.ts";

/** The type key of the `Event` interface. */
export class Event {
  declare readonly seq: number;
  declare readonly at: number;
  declare readonly kind: string;
  declare readonly runId?: string;
  declare readonly payload: unknown;
}

/** The type key of the `RunEvent` interface. */
export class RunEvent extends Event {}

/** The type key of the `SnapshotEvent` interface: events whose payload is a `Snapshot`. */
export class SnapshotEvent extends Event {}

type EventFields<Payload> = (
  t: PothosSchemaTypes.ObjectFieldBuilder<GraphTypes, LoggedEvent<Payload>>,
) => ReturnType<NonNullable<PothosSchemaTypes.ObjectTypeOptions<GraphTypes, LoggedEvent<Payload>>["fields"]>>;

/** Defines the interfaces; the runs plugin does so once a builder. */
export function addEventInterfaces(builder: GraphBuilder): void {
  const { eventTypes } = partsOf(builder);
  const typeOf = (value: unknown): string => {
    const { kind, runId } = value as LoggedEvent;
    return (runId !== undefined && eventTypes.get(`run:${kind}`)) || (eventTypes.get(kind) ?? "CustomEvent");
  };
  builder.interfaceType(Event, {
    name: "Event",
    description:
      "One row of a log. seq is per stream (a thread, or a root run outside a thread): dense above the stream's compaction horizon.",
    resolveType: typeOf,
    fields: (t) => ({
      seq: t.exposeInt("seq", { nullable: false, description: "Its place in the stream; pass the last one as `after` to go on." }),
      at: t.field({ type: "DateTime", nullable: false, description: "When it was appended.", resolve: (event) => event.at }),
      type: t.exposeString("kind", { nullable: false, description: "What happened, as in message.delta." }),
    }),
  });
  builder.interfaceType(RunEvent, {
    name: "RunEvent",
    description: "An event of a run.",
    interfaces: [Event],
    resolveType: typeOf,
    fields: (t) => ({
      runId: t.id({ nullable: false, description: "The run.", resolve: (event) => globalId("Run", event.runId ?? "") }),
    }),
  });
}

/**
 * Defines the graph's type of events of some kinds.
 *
 * @param kinds event kinds as they are appended, as in `thread.changed`; `run:` before one limits it to events of a run.
 * @example
 * defineEventType<{ change: string }>(builder, "ThreadChangedEvent", { kinds: ["thread.changed"], of: "stream", description: "…", fields: (t) => ({ … }) });
 */
export function defineEventType<Payload>(
  builder: GraphBuilder,
  name: string,
  options: {
    readonly kinds: readonly string[];
    /** Events of a run implement `RunEvent` too. */
    readonly of: "run" | "stream";
    readonly description: string;
    readonly interfaces?: readonly unknown[];
    readonly fields?: EventFields<Payload>;
  },
): void {
  for (const kind of options.kinds) partsOf(builder).eventTypes.set(kind, name);
  builder.objectRef<LoggedEvent<Payload>>(name).implement({
    description: options.description,
    interfaces: [Event, ...(options.of === "run" ? [RunEvent] : []), ...(options.interfaces ?? [])],
    ...(options.fields ? { fields: options.fields } : {}),
  } as never);
}
