import Database from "better-sqlite3";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadConfig } from "../../src/cli/config-file.ts";
import { ask, follow, killTree, spawnCli, urlOf, type Running } from "./server.ts";
import { newFolder, root, writeConfig } from "./terminal.ts";

let folder: string;
let started: Running[];
beforeEach(() => {
  folder = newFolder();
  writeConfig(folder);
  started = [];
});
afterEach(async () => {
  for (const running of started) await killTree(running);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function start(args: readonly string[] = [], file = "src/cli/main.ts"): Running {
  const running = spawnCli([...(file === "src/main.ts" ? [] : ["start"]), "--port", "0", ...args], { cwd: folder, file });
  started.push(running);
  return running;
}

describe("start", () => {
  it("says in a few lines where it is, answers there, and closes at a signal", async () => {
    const server = start();
    const url = await urlOf(server);
    expect(await ask(url, "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello world" } });
    expect((await fetch(new URL("/healthz", url))).status).toBe(200);
    await server.until(/First +open GraphiQL/);
    const lines = server.said().trim().split("\n");
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[0]).toMatch(/Weftline \d+\.\d+\.\d+ +\d+ plugins +\d+ ms/);
    expect(server.out()).toBe("");

    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    expect(server.said()).toContain("Closing.");
  });

  it("is what src/main.ts and the program that npm installs do", async () => {
    const main = start([], "src/main.ts");
    expect(await ask(await urlOf(main), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello world" } });
    main.child.kill("SIGINT");
    expect(await main.ended).toBe(0);

    const installed = start([], "bin/weftline.js");
    expect(await ask(await urlOf(installed), "{ helloGreeting }")).toEqual({ data: { helloGreeting: "Hello world" } });
  });

  it("takes from the environment what the configuration leaves out, and nothing that it says", async () => {
    const env = { HOST: "127.0.0.2", PORT: "0", WEFTLINE_DATA: join(folder, "elsewhere") };
    const left = follow(process.execPath, [join(root, "src/cli/main.ts"), "start"], { cwd: folder, env });
    started.push(left);
    expect(await urlOf(left)).toMatch(/^http:\/\/127\.0\.0\.2:/);
    expect(existsSync(join(folder, "elsewhere/weftline.db"))).toBe(true);

    const said = { server: { host: "127.0.0.3", port: 1 }, dataDir: join(folder, "own") };
    const file = writeConfig(folder, `{ plugins: [auth(), hello()], ...${JSON.stringify(said)} }`, "said.config.ts");
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect((await loadConfig(file)).config).toMatchObject(said);
    vi.stubEnv("PORT", "44x");
    await expect(loadConfig(writeConfig(folder, undefined, "left.config.ts"))).rejects.toMatchObject({
      message: 'The configuration in the environment is not valid: PORT is "44x".',
      fix: expect.stringContaining("0 to 65535"),
    });
  });

  it("does not outlive npm, which ends its shell only", async () => {
    const script = `'${process.execPath}' '${join(root, "bin/weftline.js")}' start --port 0; true`;
    const npm = follow("sh", ["-c", script], { cwd: folder, env: { npm_lifecycle_event: "start" } });
    started.push(npm);
    await urlOf(npm);
    npm.child.kill("SIGTERM");
    await npm.until(/Closing/);
    await npm.ended;
  });

  it("keeps its data where --data says and refuses a second server there", async () => {
    const data = join(folder, "elsewhere");
    await urlOf(start(["--data", data]));
    const second = start(["--data", data]);
    expect(await second.ended).toBe(1);
    expect(second.said()).toContain("[DATABASE_LOCKED]");
    expect(second.said()).not.toMatch(/^\s+at /m);
  });

  it("leaves its data folder to commands that only read, and makes none for them", async () => {
    const run = async (...args: string[]): Promise<{ code: number | string | null; told: string }> => {
      const command = spawnCli(args, { cwd: folder });
      started.push(command);
      return { code: await command.ended, told: command.out() + command.said() };
    };
    expect(await run("migrate", "status")).toMatchObject({ code: 5, told: expect.stringMatching(/^runs\/\w+\tpending$/m) });
    expect((await run("runs")).told).toContain("there is none in the data folder");
    expect(existsSync(join(folder, "data"))).toBe(false);
    await urlOf(start());
    expect(await run("migrate", "status")).toMatchObject({ code: 0, told: expect.not.stringContaining("pending") });
    expect(await run("runs")).toEqual({ code: 0, told: "0 runs\n" });
    expect((await run("runs", "--write")).told).toMatch(/Writing is not available: .*beside the server[^]*Stop that server/);
    expect((await run("count")).told).toContain("[DATABASE_LOCKED]");
  });

  it("exits 1 where the port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const server = start(["--port", String((taken.address() as AddressInfo).port)]);
    expect(await server.ended).toBe(1);
    expect(server.said()).toContain("[ADDRESS_IN_USE]");
    taken.close();
  });

  it("exits 3 where it would serve strangers without asking who they are", async () => {
    const server = start(["--host", "0.0.0.0"]);
    expect(await server.ended).toBe(3);
    expect(server.said()).toContain("[BIND_WITHOUT_AUTH]");
  });

  it("exits 4 where a plugin fails, with the report and the place in the plugin", async () => {
    const server = start(["--config", writeConfig(folder, '{ plugins: [hello({ setup: "fails" })] }', "failing.ts")]);
    expect(await server.ended).toBe(4);
    expect(server.said()).toContain('✗ setup: [PLUGIN_SETUP_FAILED] The setup of "hello" failed: the kettle is cold');
    // The plugin's own frames, none of the platform's.
    const frames = server.said().match(/^\s+at .*$/gm) ?? [];
    expect(frames.join("\n")).toMatch(/fixtures\/hello\.ts:\d+:\d+/);
    expect(frames.join("\n")).not.toContain("/src/core/");
  });

  it("leaves migrations to the operator in production: exits 5, unless told to apply them", async () => {
    const config = writeConfig(folder, '{ plugins: [hello()], mode: "production" }', "production.ts");
    const refused = start(["--config", config]);
    expect(await refused.ended).toBe(5);
    expect(refused.said()).toContain("weftline migrate up");
    await urlOf(start(["--config", config, "--migrate"]));
  });

  it("warns where a later version has used the database, and names what it left", async () => {
    const first = start();
    await urlOf(first);
    first.child.kill("SIGTERM");
    await first.ended;
    expect(first.said()).not.toContain("a later version of Weftline");
    const [file = ""] = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith("weftline.db"));
    const handle = new Database(join(folder, file));
    handle.exec("insert into weftline_migration (name, executed_at) values ('runs/209901010000_later', 0), ('gone/209901010000_left', 0)");
    handle.close();
    const second = start();
    await urlOf(second);
    expect(second.said()).toMatch(
      /"migrations":\["runs\/209901010000_later"\].*weftline restore.*a later version of Weftline has used this database/,
    );
  });

  it("ends at once at a second signal, however long closing takes", async () => {
    const server = start(["--config", writeConfig(folder, '{ plugins: [hello({ close: "hangs" })] }', "hanging.ts")]);
    await urlOf(server);
    server.child.kill("SIGINT");
    await server.until(/Closing/);
    await new Promise((resolve) => setTimeout(resolve, 400));
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(130);
  });

  it("takes one Ctrl-C that arrives twice for one", async () => {
    const server = start();
    await urlOf(server);
    server.child.kill("SIGINT");
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(0);
  });
});
