import { describe, expect, it } from "vitest";
import { SlowServers } from "./slow-server.ts";

describe("a server that is told to end while a graph is at work", () => {
  it("lets the node under way finish and leaves the rest to the next process, which does none of it again", async () => {
    await using servers = new SlowServers();
    const first = await servers.start();
    const id = await first.begin();
    await expect.poll(() => servers.notes()).toContain(`slow ${first.pid}`);
    first.running.child.kill("SIGTERM");
    expect(await first.running.ended).toBe(0);
    expect(servers.notes()).toEqual([`first ${first.pid}`, `slow ${first.pid}`]);

    const second = await servers.start();
    await expect.poll(() => second.see(id)).toMatchObject({ status: "SUCCEEDED", text: '["first","last"]' });
    expect(servers.notes().slice(2)).toEqual([`after ${second.pid}`, `last ${second.pid}`]);
    expect((await second.see(id)).steps.nodes).toEqual([
      { key: "first/1", status: "SUCCEEDED" },
      { key: "within/2", status: "CANCELLED" },
      { key: "within/2/slow/1", status: "SUCCEEDED" },
      { key: "within/2", status: "SUCCEEDED" },
      { key: "within/2/after/2", status: "SUCCEEDED" },
      { key: "last/3", status: "SUCCEEDED" },
    ]);
  });
});
