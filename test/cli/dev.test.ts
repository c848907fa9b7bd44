import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, killTree, spawnCli, urlOf, type Running } from "./server.ts";
import { newFolder, writeConfig } from "./terminal.ts";

let folder: string;
let running: Running;
beforeEach(() => {
  folder = newFolder();
  writeConfig(folder);
});
afterEach(async () => {
  await killTree(running);
  rmSync(folder, { recursive: true });
});

describe("dev", () => {
  it("restarts when a file changes, says why it cannot, and goes on when it can", async () => {
    running = spawnCli(["dev", "--port", "0"], { cwd: folder });
    expect(await ask(await urlOf(running), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello world" } });

    writeConfig(folder, '{ plugins: [auth(), hello({ name: "again" })] }');
    expect(await ask(await urlOf(running), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello again" } });

    writeConfig(folder, '{ plugins: [hello({ nme: "x" })] }');
    await running.until(/The configuration of "hello" is not valid/);
    await running.until(/The server ended with 3\. It starts again at the next change\./);

    renameSync(writeConfig(folder, '{ plugins: [auth(), hello({ name: "mended" })] }', "saved.tmp"), join(folder, "plugins.config.ts"));
    expect(await ask(await urlOf(running), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello mended" } });

    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
    expect(running.out()).toBe("");
  });

  it("watches what a plugin outside the folder imports", async () => {
    const linked = newFolder();
    try {
      writeFileSync(join(linked, "name.ts"), 'export const name = "linked";');
      const config = join(folder, "plugins.config.ts");
      writeFileSync(
        config,
        `import { name } from ${JSON.stringify(join(linked, "name.ts"))};\n${readFileSync(config, "utf8").replace("hello()", "hello({ name })")}`,
      );
      running = spawnCli(["dev", "--port", "0"], { cwd: folder });
      expect(await ask(await urlOf(running), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello linked" } });
      writeFileSync(join(linked, "name.ts"), 'export const name = "changed";');
      expect(await ask(await urlOf(running), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello changed" } });
    } finally {
      rmSync(linked, { recursive: true });
    }
  });

  it("leaves no server behind when it is killed", async () => {
    running = spawnCli(["dev", "--port", "0"], { cwd: folder });
    const url = await urlOf(running);
    running.child.kill("SIGKILL");
    await running.ended;
    await expect(ask(url, "{ helloGreeting }")).rejects.toThrow("fetch failed");
  });
});
