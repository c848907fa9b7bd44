import { rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { SlowServers } from "./slow-server.ts";

/** All that stands of checkpoints, by any process. */
function stored(folder: string): { readonly checkpoints: unknown[]; readonly writes: unknown[]; readonly values: unknown[] } {
  const database = new Database(join(folder, "weftline.db"), { readonly: true });
  const all = (table: string): unknown[] => database.prepare(`select * from ${table} order by 1, 2, 3, 4, 5`).all();
  const found = { checkpoints: all("runs_checkpoint"), writes: all("runs_checkpoint_write"), values: all("runs_checkpoint_value") };
  database.close();
  return found;
}

describe("a process that is stopped within a node of a graph", () => {
  it("writes no checkpoint when it wakes, where another has taken its run over and finished it", async () => {
    await using servers = new SlowServers();
    const stopped = await servers.start(2_000);
    const id = await stopped.begin();
    // Until the node's end it has nothing more to write, so that it is not stopped within a transaction.
    const steps = async () => (await stopped.see(id)).steps.nodes;
    await expect.poll(steps).toContainEqual({ key: "within/2/slow/1", status: "RUNNING" });
    stopped.running.child.kill("SIGSTOP");
    // The lock stands on this file; without it two processes write to one database, as they do where the store is a server.
    rmSync(join(servers.folder, "weftline.db.lock"));
    const other = await servers.start();
    await expect.poll(() => other.see(id)).toMatchObject({ status: "SUCCEEDED", text: '["first","last"]' });
    const done = [await other.see(id), stored(servers.folder)];

    stopped.running.child.kill("SIGCONT");
    await expect.poll(() => stopped.running.said() + stopped.running.out()).toMatch(/RUN_FENCED/);
    expect([await other.see(id), stored(servers.folder)]).toEqual(done);
    expect(await stopped.see(id)).toEqual(await other.see(id));
    expect(servers.notes()).toEqual([
      `first ${stopped.pid}`,
      ...["slow", "slow", "after", "last"].map((node, at) => `${node} ${at === 0 ? stopped.pid : other.pid}`),
    ]);
    expect((await other.see(id)).checkpoints.nodes.map(({ state }) => state)).toEqual([
      { done: ["first", "last"] },
      { done: ["first"] },
      { done: ["first"] },
      {},
      {},
    ]);
  });
});
