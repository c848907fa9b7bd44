import {
  changesService,
  databaseService,
  definePlugin,
  jobs,
  legalHolds,
  memoryService,
  modelService,
  optional,
  purgers,
  retainedData,
  tools,
} from "#weftline";
import { agentService } from "#plugins/agents";
import { chatService } from "#plugins/chat";
import { healthChecks } from "#plugins/health";
import { memoryConfig } from "./config.ts";
import { embedders, memoryRecords, workflowMemory } from "./contract.ts";
import { chooseEmbedder } from "./embedders/choose.ts";
import { lexicalEmbedder } from "./embedders/lexical.ts";
import { createLocalEmbedder } from "./embedders/local.ts";
import { createOpenAiEmbedder } from "./embedders/openai.ts";
import { callEntity, embedderEntity, recordEntity, spaceEntity, stateEntity, vectorEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { reindexJob } from "./reindex.ts";
import { addMemorySchema } from "./schema/index.ts";
import { Embedding } from "./service/embedding.ts";
import { embedderCheck, vectorsCheck } from "./service/health.ts";
import { PendingVectors } from "./service/pending.ts";
import { createPurger } from "./service/purge.ts";
import { createMemory } from "./service/recall.ts";
import { createRecords } from "./service/records.ts";
import { startSweeping } from "./service/sweep.ts";
import { createWorkflowMemory } from "./service/workflow-memory.ts";
import { sqliteVec } from "./store/sqlite/extension.ts";
import { createSqliteStore } from "./store/sqlite/store.ts";
import { createForgetTool } from "./tools/forget.ts";
import { createRememberTool } from "./tools/remember.ts";
import { createSearchTool } from "./tools/search.ts";

/**
 * Memory: facts in five scopes, found by what they mean and by their words.
 *
 * @example plugins: [agents(), chat(), memory({ embedder: "openai", openai: { model: "openai/text-embedding-3-small", dimensions: 1536 } })]
 */
export const memory = definePlugin({
  id: "memory",
  kind: "CAPABILITY",
  description: "Facts that agents and people remember, in five scopes, found by what they mean and by their words.",
  config: memoryConfig,
  requires: {
    database: databaseService,
    changes: changesService,
    holds: legalHolds,
    models: optional(modelService),
    agents: agentService,
    chat: chatService,
  },
  provides: { memory: memoryService, records: memoryRecords, ofWorkflows: workflowMemory },
  entities: [recordEntity, spaceEntity, embedderEntity, vectorEntity, stateEntity, callEntity],
  migrations,
  contributes: [sqliteVec],
  schema: addMemorySchema,
  setup: ({ config, deps, log, contribute, contributions, onReady, onClose }) => {
    const { database, changes, holds, models } = deps;
    const store = createSqliteStore(database);
    const embedding = new Embedding({ database, store, log });
    const pending = new PendingVectors({ database, store, embedding });
    const host = { config, database, store, embedding, changes, holds, log, wake: () => pending.wake() };
    const local = createLocalEmbedder();
    contribute(embedders, local.id, local);
    contribute(embedders, lexicalEmbedder.id, lexicalEmbedder);
    if (config.openai && models)
      contribute(
        embedders,
        "openai",
        createOpenAiEmbedder(config.openai, () => models),
      );
    for (const tool of [createRememberTool(host), createSearchTool(host), createForgetTool(host)]) contribute(tools, tool.name, tool);
    contribute(jobs, "memory.reindex", reindexJob({ database, store, embedding }));
    contribute(purgers, "memory", createPurger({ database, store, holds }));
    contribute(retainedData, "MEMORY", store.retained(holds));
    contribute(healthChecks, "memory.embedder", embedderCheck(store, embedding, config.embedder ? "named" : "by default"));
    contribute(healthChecks, "memory.vectors", vectorsCheck(store));
    onReady(async () => {
      await store.open();
      const known = new Map([...contributions(embedders)].map(([id, { value }]) => [id, value]));
      await embedding.use(await chooseEmbedder(known, config.embedder));
      pending.start();
      onClose(startSweeping({ database, store, log, everyMs: config.sweepMs }));
    });
    onClose(async () => {
      await pending.close();
      for (const { value } of contributions(embedders).values()) value.close?.();
      store.close();
    });
    return { memory: createMemory(host), records: createRecords(host), ofWorkflows: createWorkflowMemory(host) };
  },
});
