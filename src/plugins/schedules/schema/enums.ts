import { defineEnum, type GraphBuilder } from "#weftline";
import { MissedTicks, Overlap } from "../types.ts";

export function addEnums(builder: GraphBuilder): void {
  defineEnum(
    builder,
    MissedTicks,
    "MissedTicks",
    "What to do with ticks that came while the server was down. A tick that is less than a minute late was not missed.",
    {
      SKIP: "They start nothing.",
      RUN_ONCE: "One run is started for all of them.",
      RUN_ALL: "A run is started for each of them, oldest first; the newest 100 by default.",
    },
  );
  defineEnum(
    builder,
    Overlap,
    "Overlap",
    "What a tick does while a run of the same schedule is open, also one that waits for a person, and also for a missed tick.",
    {
      SKIP: "It starts nothing.",
      QUEUE: "Its run waits behind the open ones; 100 may be open by default.",
      CANCEL_PREVIOUS: "The open runs are cancelled; its run starts once they have ended.",
    },
  );
}
