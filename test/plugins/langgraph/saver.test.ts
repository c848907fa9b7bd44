import * as checkpointing from "@langchain/langgraph-checkpoint";
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkpointsOf, purgeCheckpoints } from "../../../src/core/runs/checkpoint-store.ts";
import { StorageQuota } from "../../../src/core/runs/storage-quota.ts";
import { createSaver } from "../../../src/plugins/langgraph/saver.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";

type Saver = ReturnType<typeof createSaver>;

/** One saver for all threads of the suite, made of ours, of which each serves one. */
class SaverOfThreads extends checkpointing.BaseCheckpointSaver<string> {
  readonly app: TestPlatform;
  readonly #savers = new Map<string, Saver>();

  constructor(app: TestPlatform) {
    super();
    this.app = app;
  }

  async #of(thread: unknown): Promise<Saver> {
    if (typeof thread !== "string") return this.#of("none");
    let saver = this.#savers.get(thread);
    if (saver) return saver;
    const { database } = this.app.platform;
    await database.commit(({ sql }) =>
      sql.run(
        `insert into runs_run (id, tenant_id, owner_id, stream_num, start_seq, seq, root_id, target_type, target_id, target_name, trigger, status, limits, settings, epoch, created_at)
         values (?, 't', 'o', ?, 1, 1, ?, 'Agent', 'a', 'a', 'API', 'RUNNING', '{}', '{}', 1, 0)`,
        thread,
        this.#savers.size + 1,
        thread,
      ),
    );
    const session = { flush: async () => {}, stepId: () => undefined, countWritten: () => undefined };
    const quota = new StorageQuota(database, () => ({
      runBytes: Infinity,
      storedBytesPerViewer: Infinity,
      storedBytesPerTenant: Infinity,
    }));
    const checkpoints = checkpointsOf({ database, quota }, { id: thread, tenantId: "t", ownerId: "o", epoch: 1, streamNum: 0 }, session);
    saver = createSaver({ sdk: { checkpointing }, threadId: thread, checkpoints });
    this.#savers.set(thread, saver);
    return saver;
  }

  override async getTuple(config: Parameters<Saver["getTuple"]>[0]) {
    return (await this.#of(config.configurable?.["thread_id"])).getTuple(config);
  }

  override async *list(...[config, options]: Parameters<Saver["list"]>) {
    const thread = config.configurable?.["thread_id"] as string | undefined;
    let left = options?.limit ?? Number.POSITIVE_INFINITY;
    for (const saver of thread === undefined ? this.#savers.values() : [await this.#of(thread)]) {
      for await (const tuple of saver.list(config, options)) if (left-- > 0) yield tuple;
    }
  }

  override async put(...args: Parameters<Saver["put"]>) {
    return (await this.#of(args[0].configurable?.["thread_id"])).put(...args);
  }

  override async putWrites(...args: Parameters<Saver["putWrites"]>) {
    return (await this.#of(args[0].configurable?.["thread_id"])).putWrites(...args);
  }

  override async deleteThread(thread: string) {
    await this.app.platform.database.commit(({ sql }) => purgeCheckpoints(sql, [thread]));
  }
}

const suite = {
  checkpointerName: "the platform's saver",
  createCheckpointer: async () => new SaverOfThreads(await testPlatform({ plugins: [] })) as never,
  destroyCheckpointer: (saver: SaverOfThreads) => saver.app.close(),
} as never;

// LangGraph's own suite looks for the runner among the globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });
validate(suite);
deltaChannelHistoryTests(suite);
