import { definePlugin } from "../plugin.ts";
import { actorEntity } from "./actors.ts";
import { changesService, createChanges } from "./changes.ts";
import { idempotencyEntity } from "./idempotency.ts";
import { migrations } from "./migrations/index.ts";
import { stampEntity } from "./stamp.ts";
import { sealedValueEntity } from "../sealed/entity.ts";
import { addPlatformSchema } from "./schema.ts";

/** What every host has: actors, idempotency keys, changes, and the graph of plugins. */
export const platformPlugin = definePlugin({
  id: "platform",
  kind: "CORE",
  description: "Viewers, plugins and changes.",
  entities: [actorEntity, idempotencyEntity, stampEntity, sealedValueEntity],
  migrations,
  provides: { changes: changesService },
  schema: addPlatformSchema,
  setup: () => ({ changes: createChanges() }),
});
