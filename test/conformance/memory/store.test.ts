import { afterAll, beforeAll } from "vitest";
import { databaseService, legalHolds, localId } from "../../../src/core/index.ts";
import { memory } from "../../../src/plugins/index.ts";
import { createSqliteStore } from "../../../src/plugins/memory/store/sqlite/store.ts";
import { ada, remembering, type Remembering } from "../../plugins/memory/world.ts";
import { memoryStoreConformance } from "./store-suite.ts";

let world: Remembering;
beforeAll(async () => void (world = await remembering(memory({ embedder: "lexical-hash-384" }))));
afterAll(() => world.app.close());

memoryStoreConformance("SQLite", {
  open: async () => {
    const { host } = world.app.platform;
    const database = host.use(databaseService);
    const store = createSqliteStore(database);
    await store.open();
    const holds = host.use(legalHolds);
    return {
      store,
      holds,
      write: (work) => database.commit(work, "memory.conformance"),
      close: () => store.close(),
      heldThread: async () => {
        const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
          "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
          {},
          ada,
        );
        const id = localId("Thread", createThread.thread.id);
        await database.commit((tx) => holds.set(tx, id, "HELD"), "memory.conformance");
        return id;
      },
    };
  },
});
