import { describe, expect, it } from "vitest";
import { commitsOf, placesOf, type CommitSite } from "./commits.ts";
import { pluginIds, sources } from "./rules.ts";
import { parseSource } from "./sources.ts";

const commits = commitsOf(sources);
const shown = ({ path, line, name }: CommitSite): string => `${path}:${line} ${name ?? "(no name)"}`;

/** Fault suites lose the process before, within and after each commit: they find the place by its name. */
describe("a commit", () => {
  it("has a name that stands where it is made", () => {
    expect(commits.length).toBeGreaterThan(70);
    expect(commits.filter(({ name }) => name === undefined).map(shown)).toEqual([]);
  });

  it("shares its name with no other, and begins it with its plugin where it is of no mutation", () => {
    const known = new Set<string>();
    const again = commits.filter(({ name = "" }) => known.size === known.add(name).size);
    expect(again.map(shown)).toEqual([]);
    const isOf = ({ name = "", path }: CommitSite): boolean => {
      const plugin = pluginIds.find((id) => path.startsWith(`src/plugins/${id}/`));
      return plugin === undefined || name.startsWith(`${plugin}.`) || !name.includes(".");
    };
    expect(commits.filter((each) => !isOf(each)).map(shown)).toEqual([]);
  });

  it("is seen however it is written: one without a name does not go unnoticed", () => {
    const text = `
await database.commit(async ({ sql }) => sql.run("…"));
await this.#host.database.write("SYSTEM", (tx) => keep(tx));
await database.upkeep(drop);
await scope.write(async (tx) => keep(tx));
await rows!.commit(async (tx) => keep(tx));
await idempotently(scope, { mutation: \`webhook \${id}\`, key, body }, work);
await idempotently(scope, request, work);
await scope.write(async (tx) => keep(tx), \`loom.\${verb}\`);

await database.commit(async ({ sql }) => sql.run("…"), "loom.weave");
await scope.write((tx) => keep(tx), "loom.keep");
await idempotently(scope, { mutation: "createLoom", key, body }, work);
const known = { mutation: \`loom \${id}\`, key, body, name: "loom.known" };
await idempotently(scope, known, work);

await effects.row.write(sql, run.id);
socket.write(bytes, () => done());
store.commit();`;
    const seen = commitsOf([parseSource("src/plugins/loom/x.ts", text)]);
    expect(seen.map(({ line, name }) => [line, name])).toEqual([
      ...[2, 3, 4, 5, 6, 7, 8, 9].map((line) => [line, undefined]),
      [11, "loom.weave"],
      [12, "loom.keep"],
      [13, "createLoom"],
      [15, "loom.known"],
    ]);
  });

  it("is not all that a suite breaks: what is done outside the store has places, too", () => {
    const text = 'host.failpoint?.("loom.before"); failpoint?.("loom.after"); this.#options.failpoint("loom.after");';
    expect(placesOf([parseSource("src/plugins/loom/x.ts", text)])).toEqual(["loom.before", "loom.after"]);
    expect(placesOf(sources)).toEqual(expect.arrayContaining(["tool.started", "tool.executed", "finish.before"]));
  });
});
