import {
  actingScopes,
  changesService,
  databaseService,
  definePlugin,
  openRoutes,
  outgoingHttp,
  runOutboxes,
  sealedValues,
} from "#weftline";
import { webhooksConfig } from "./config.ts";
import { deliveryEntity, inboundEntity, webhookEntity } from "./entities.ts";
import { createInboundRoute, routeName } from "./inbound/route.ts";
import { migrations } from "./migrations/index.ts";
import { Dispatcher } from "./outbound/dispatcher.ts";
import { createOutbox, Listeners } from "./outbound/outbox.ts";
import { addWebhooksSchema } from "./schema/index.ts";
import { startCleanup } from "./service/cleanup.ts";
import { webhooksHost, type WebhooksHost } from "./service/host.ts";

/**
 * Webhooks: signed addresses that start runs, and addresses that are told of runs.
 *
 * @example defineConfig({ plugins: [agents(), webhooks({ perOwner: 20 })] })
 */
export const webhooks = definePlugin({
  id: "webhooks",
  description: "Starts runs by signed calls, and tells addresses of runs.",
  config: webhooksConfig,
  requires: {
    database: databaseService,
    sealed: sealedValues,
    outgoing: outgoingHttp,
    acting: actingScopes,
    changes: changesService,
  },
  provides: { host: webhooksHost },
  entities: [inboundEntity, webhookEntity, deliveryEntity],
  migrations,
  schema: addWebhooksSchema,
  setup: async ({ config, deps, log, contribute, onReady, onClose }) => {
    const listeners = new Listeners();
    const host: WebhooksHost = { ...deps, config, log, listens: (owner) => listeners.add(owner), wake: () => dispatcher.wake() };
    const dispatcher: Dispatcher = new Dispatcher(host);
    await listeners.load(host);
    contribute(openRoutes, routeName, createInboundRoute(host));
    contribute(runOutboxes, "webhooks", createOutbox(host, listeners));
    onReady(() => {
      dispatcher.wake();
      onClose(startCleanup(host));
    });
    onClose(() => dispatcher.stop());
    return { host };
  },
});
