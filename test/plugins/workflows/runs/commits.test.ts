import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contribution, databaseService, definePlugin } from "#weftline";
import { capabilities, workflows } from "../../../../src/plugins/index.ts";
import { faultInjections, type FailpointName } from "../../../../src/core/runs/failpoint.ts";
import { testPlatform } from "../../../../src/testing/index.ts";
import { Loom } from "./loom.ts";

/** Nodes in a row, each of which the next depends on. */
const row = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    key: `n${n}`,
    kind: "transform",
    dependsOn: n === 0 ? [] : [`n${n - 1}`],
    config: { expression: n === 0 ? "1" : `nodes.n${n - 1}.output + 1` },
  }));

describe("a node that has ended", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "weftline-commits-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it("is on disk before the next begins: a commit a node, as the log and every commit show", async () => {
    const finished: number[] = [];
    const look = (at: FailpointName): void => {
      if (at !== "append.committed") return;
      const db = new Database(join(dataDir, "weftline.db"), { readonly: true });
      finished.push(db.prepare("select count(*) from runs_event where kind = 'step.finished'").pluck().get() as number);
      db.close();
    };
    const watch = definePlugin({ id: "watch", contributes: [contribution(faultInjections, "suite", { failpoint: look })] });
    await using app = await testPlatform({ plugins: [capabilities(), workflows(), watch()], dataDir });
    const loom = new Loom(app, [], Promise.withResolvers());
    const workflow = await loom.create(row(10));
    const run = await loom.start(workflow);
    const events = await loom.follow(run);
    expect(events.at(-1)).toMatchObject({ type: "run.finished" });
    // No commit held two nodes' ends, and none was left out.
    expect([...new Set(finished)].filter((count) => count > 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const steps = events.filter(({ type }) => type.startsWith("step.")).map(({ type }) => type);
    expect(steps).toEqual(Array.from({ length: 10 }, () => ["step.started", "step.finished"]).flat());
    const [pragma] = await app.platform
      .use(databaseService)
      .orm.em.getConnection("write")
      .execute<{ synchronous: number }[]>("pragma synchronous");
    // FULL, as SQLite counts: each commit waits for the disk.
    expect(pragma?.synchronous).toBe(2);
  });
});
