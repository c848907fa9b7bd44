import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { killTree, spawnCli, type Running } from "../cli/server.ts";
import { root } from "../cli/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-attach-"));
const started: Running[] = [];
afterAll(async () => {
  for (const running of started) await killTree(running);
  rmSync(folder, { recursive: true, force: true });
});

const list = JSON.stringify(join(root, "src/plugins/index.ts"));
const config = join(folder, "plugins.config.ts");
// Slow enough to be stopped in the middle of what both agents say.
writeFileSync(
  config,
  `import { agents, auth, capabilities, langchain, models, openai, simulated, workflows } from ${list};
   const plugins = [auth(), models(), simulated({ tokensPerSecond: 25 }), capabilities(), openai(), langchain(), agents(), workflows()];
   export default { plugins, dataDir: ${JSON.stringify(join(folder, "data"))} };`,
);

function run(...words: string[]): Running {
  const same = ["run", "examples/research.yaml", "--input", '{"topic":"looms"}', "--watch", "--approve", "all", "--config", config];
  const running = spawnCli([...same, ...words], { cwd: root });
  started.push(running);
  return running;
}

async function bothAtWork(running: Running): Promise<void> {
  await running.until(/(researcher|critic) \(\w+\): running[^]*(researcher|critic) \(\w+\): running/);
}

it("a run that was killed in the middle goes on with --attach where it was, and one that was left with Ctrl-C as well", async () => {
  const killed = run();
  await bothAtWork(killed);
  await killTree(killed);
  expect(killed.out()).toBe("");

  const attached = run("--attach");
  await attached.until(/research: (WAITING|RUNNING), \d\/8, followed from here/);
  expect(await attached.ended).toBe(0);
  expect(JSON.parse(attached.out())).toMatchObject({ topic: "looms", facts: expect.stringMatching(/^\[simulated\]/), depth: "summary" });
  expect(attached.said()).toMatch(/research: succeeded/);
  expect(attached.said()).not.toContain("brief started");

  const nothing = run("--attach");
  expect(await nothing.ended).toBe(2);
  expect(nothing.said()).toContain("There is no open run");

  const left = run();
  await bothAtWork(left);
  left.child.kill("SIGINT");
  expect(await left.ended).toBe(130);
  expect(left.out()).toBe("");
  expect(left.said()).toMatch(/To come back: weftline run examples\/research\.yaml --attach \S+ --watch/);
  const back = run("--attach");
  expect(await back.ended).toBe(0);
  expect(JSON.parse(back.out())).toMatchObject({ topic: "looms" });
});
