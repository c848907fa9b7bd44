import type { GraphBuilder } from "../../graphql/builder.ts";
import { snapshotKind, type Snapshot } from "../contract.ts";
import { Interrupt, Message } from "../entities/message.ts";
import { Run } from "../entities/run.ts";
import { Event, SnapshotEvent, defineEventType } from "../event-types.ts";
import type { LoggedEvent } from "../events.ts";

const of = (event: SnapshotEvent): Snapshot => (event as LoggedEvent<Snapshot>).payload;

export function addSnapshots(builder: GraphBuilder): void {
  builder.interfaceType(SnapshotEvent, {
    name: "SnapshotEvent",
    description:
      "Taken in one transaction at the head: its seq is the head, messages that stream are folded up to it. At most 100 messages, active runs, pending interrupts.",
    interfaces: [Event],
    fields: (t) => ({
      messages: t.field({
        type: [Message],
        nullable: false,
        description: "The newest messages, oldest first.",
        resolve: (event) => [...of(event).messages],
      }),
      hasEarlierMessages: t.boolean({
        nullable: false,
        description: "Whether there are older ones.",
        resolve: (event) => of(event).hasEarlierMessages,
      }),
      runs: t.field({
        type: [Run],
        nullable: false,
        description: "Runs that are open; where one run is followed, that run and those below it in any state.",
        resolve: (event) => [...of(event).runs],
      }),
      interrupts: t.field({
        type: [Interrupt],
        nullable: false,
        description: "What waits for a decision.",
        resolve: (event) => [...of(event).interrupts],
      }),
    }),
  });
  defineEventType<Snapshot>(builder, "RunSnapshotEvent", {
    kinds: [`run:${snapshotKind}`],
    of: "run",
    interfaces: [SnapshotEvent],
    description: "The state of a run and of those below it at seq, in place of the events up to it.",
  });
}
