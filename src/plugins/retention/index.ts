import { databaseService, definePlugin, jobService, jobs, retainedData } from "#weftline";
import { agentService } from "#plugins/agents";
import { retentionConfig } from "./config.ts";
import { policyEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { addRetentionSchema } from "./schema.ts";
import type { RetentionHost } from "./service/host.ts";
import { createApplyJob } from "./service/job.ts";
import { createPolicies, govern, retentionPolicies } from "./service/policies.ts";
import { applyJob } from "./service/rules.ts";
import { startApplying } from "./service/timer.ts";

/**
 * Retention: how long a tenant keeps messages, runs, files and the like, applied by itself in small pieces.
 *
 * @example defineConfig({ plugins: [agents(), chat(), retention({ everyMs: 6 * 3_600_000 })] })
 */
export const retention = definePlugin({
  id: "retention",
  description: "Policies of how long data is kept, applied in small pieces.",
  config: retentionConfig,
  // Agents bring the scopes of memory.
  requires: { database: databaseService, jobs: jobService, agents: agentService },
  provides: { policies: retentionPolicies },
  entities: [policyEntity],
  migrations,
  schema: addRetentionSchema,
  setup: ({ config, deps, log, contribute, contributions, onReady, onClose }) => {
    const { database, jobs: started } = deps;
    const host: RetentionHost = { database, log, jobs: started, data: contributions(retainedData) };
    contribute(jobs, applyJob, createApplyJob(host));
    onReady(async () => {
      await govern(host);
      onClose(startApplying(host, config.everyMs));
    });
    return { policies: createPolicies(host) };
  },
});
