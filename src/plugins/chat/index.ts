import {
  actingScopes,
  beginningService,
  changesService,
  databaseService,
  definePlugin,
  fileService,
  jobs,
  legalHolds,
  optional,
  purgers,
  retainedData,
  runService,
  streamService,
  tenantTools,
  threadResolver,
} from "#weftline";
import { agentService } from "#plugins/agents";
import { filesService } from "#plugins/files";
import { transferCommands } from "./cli/commands.ts";
import { chatConfig } from "./config.ts";
import { chatService } from "./contract.ts";
import { forkEntity, importedThreadEntity, threadEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { addChatSchema } from "./schema/index.ts";
import { Activities } from "./service/activity/activities.ts";
import { leftForks, sweepForks } from "./service/fork/unfinished.ts";
import { handOverTools } from "./service/hand-over.ts";
import { retainedMessages } from "./service/retained.ts";
import { createChat, createThreadResolver } from "./service/service.ts";
import { importJob } from "./transfer/import-job.ts";

/**
 * Chat: threads, messages to agents, what happens in a thread as one stream, and who is there.
 *
 * @example defineConfig({ plugins: [agents(), chat({ historyLimit: 100 })] })
 */
export const chat = definePlugin({
  id: "chat",
  description: "Threads of messages with agents, followed live.",
  config: chatConfig,
  requires: {
    database: databaseService,
    agents: agentService,
    runs: runService,
    streams: streamService,
    changes: changesService,
    files: optional(fileService),
    uploads: optional(filesService),
    acting: actingScopes,
    holds: legalHolds,
    beginnings: beginningService,
  },
  provides: { chat: chatService, threads: threadResolver },
  entities: [threadEntity, forkEntity, importedThreadEntity],
  migrations,
  contributes: transferCommands,
  schema: addChatSchema,
  setup: ({ config, deps, log, contribute, contributions, onReady, onClose }) => {
    const activities = new Activities();
    onClose(deps.streams.tap((streamNum, events) => activities.hear(streamNum, events)));
    onClose(() => activities.close());
    const host = { ...deps, config, activities, purgers: contributions(purgers) };
    contribute(retainedData, "MESSAGES", retainedMessages(deps));
    contribute(jobs, "chat.import", importJob(host));
    contribute(tenantTools, "handoff", handOverTools(host));
    onReady(async () => {
      const left = await leftForks(host);
      void sweepForks(host, left, log);
    });
    return { chat: createChat(host), threads: createThreadResolver({ config }) };
  },
});
