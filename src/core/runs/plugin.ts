import { definePlugin } from "../plugin.ts";
import { interruptEntity, messageEntity, toolCallEntity } from "./entities/message.ts";
import { runEntity, stepEntity, usageEntity } from "./entities/run.ts";
import { eventEntity, streamEntity } from "./entities/stream.ts";
import { migrations } from "./migrations/index.ts";

/** Runs: the engine, the log, and the graph of both. */
export const runsPlugin = definePlugin({
  id: "runs",
  kind: "CORE",
  description: "Runs, their log and the engine that advances them.",
  entities: [streamEntity, eventEntity, runEntity, usageEntity, stepEntity, messageEntity, toolCallEntity, interruptEntity],
  migrations,
});
