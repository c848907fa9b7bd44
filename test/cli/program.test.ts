import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPlatform } from "../../src/core/platform.ts";
import { version } from "../../src/core/version.ts";
import { spawnCli } from "./server.ts";
import { newFolder, weftline, writeConfig } from "./terminal.ts";

let folder: string;
let config: string;
beforeEach(() => {
  folder = newFolder();
  config = writeConfig(folder, `{ plugins: [hello()], dataDir: ${JSON.stringify(join(folder, "data"))}, logLevel: "silent" }`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
  rmSync(folder, { recursive: true });
});

describe("the command line", () => {
  it("prints its version", async () => {
    expect(await weftline("--version")).toEqual({ code: 0, out: `${version}\n`, said: "" });
  });

  it("lists its own commands and those of plugins, without booting", async () => {
    const { code, out } = await weftline("--help", "--config", config);
    expect(code).toBe(0);
    expect(out).toMatch(/start .*\n[\s\S]*dev .*\n[\s\S]*schema .*\n[\s\S]*migrate .*\n[\s\S]*greet .*Greets somebody\./);
  });

  it("helps with each command", async () => {
    for (const words of [["start"], ["dev"], ["schema"], ["schema", "check"], ["migrate"], ["migrate", "new"], ["greet"]]) {
      const { code, out } = await weftline(...words, "--help", "--config", config);
      expect([words, code]).toEqual([words, 0]);
      expect(out).toContain(`Usage: weftline ${words.join(" ")}`);
    }
  });

  it("still helps where the configuration does not load, and says so", async () => {
    const broken = writeConfig(folder, "{ plugins: [hello({ nme: 1 })] }", "broken.ts");
    const { code, out, said } = await weftline("--help", "--config", broken);
    expect(code).toBe(0);
    expect(out).toContain("migrate");
    expect(said).toContain("The commands of plugins are missing here");
  });

  it.each([[[]], [["bogus"]], [["start", "--bogus"]], [["start", "--port", "many"]], [["schema", "bogus"]], [["greet"]]])(
    "exits 2 for %j",
    async (argv) => {
      expect(await weftline(...argv, ...(argv.length > 0 ? ["--config", config] : []))).toMatchObject({ code: 2, out: "" });
    },
  );
});

describe("the configuration", () => {
  it("is looked for where --config says", async () => {
    const { code, said } = await weftline("schema", "print", "--config", join(folder, "none.ts"));
    expect(code).toBe(3);
    expect(said).toContain("There is no configuration file at");
  });

  it.each([
    ["export const config = {};", "it has no default export"],
    ["export default { plugin: [] };", "its default export has no plugins"],
    ["import './gone.ts';", "gone"],
    ["export default {", ""],
  ])("that reads %s exits 3", async (text, problem) => {
    const file = join(folder, "bad.ts");
    writeFileSync(file, text);
    const { code, said, out } = await weftline("schema", "print", "--config", file);
    expect(code).toBe(3);
    expect(said).toContain("is not valid");
    expect(said).toContain(problem);
    expect(said).not.toMatch(/^\s+at /m);
    expect(out).toBe("");
  });

  it("says in which file, line and column code cannot be read or throws, also in a module that the configuration imports", async () => {
    const cases = [
      ["const a = 1;\nexport const b = (;", 2, 19],
      ["export enum Mode { A }", 1, 8],
      ["const a: string = undefined!;\n\n  a.trim();", 3, 5],
    ] as const;
    const all = cases.map(async ([text, line, column], index) => {
      const plugin = join(folder, `plugin${index}.ts`);
      writeFileSync(plugin, text);
      writeFileSync(join(folder, `imports${index}.ts`), `import "./plugin${index}.ts";\nexport default { plugins: [] };`);
      const cli = spawnCli(["schema", "print", "--config", `imports${index}.ts`], { cwd: folder });
      expect(await cli.ended).toBe(3);
      expect(cli.said()).toContain(`(${plugin}:${line}:${column})`);
    });
    await Promise.all(all);
  });

  it("that a folder in it cannot be made for exits at once with the folder and what to do", async () => {
    const file = writeConfig(folder, '{ plugins: [auth(), hello()], dataDir: "/proc/weftline/data", logLevel: "silent" }', "proc.ts");
    const { code, said } = await weftline("start", "--port", "0", "--config", file);
    expect(code).not.toBe(0);
    expect(said).toMatch(/\/proc\/weftline[^]*→ Make its folder one that this user may write/);
  });

  it("with an option that a plugin refuses exits 3 and names the plugin", async () => {
    const { code, said } = await weftline(
      "schema",
      "print",
      "--config",
      writeConfig(folder, "{ plugins: [hello({ nme: 'x' })] }", "options.ts"),
    );
    expect(code).toBe(3);
    expect(said).toContain('The configuration of "hello" is not valid');
  });

  it.each([
    ["DATABASE_URL", "postgres://user:hidden@localhost/db", "Postgres is not supported yet"],
    ["PORT", "http", "PORT"],
    ["WEFTLINE_MODE", "staging", "WEFTLINE_MODE"],
  ])("that is built in refuses %s=%s", async (name, value, problem) => {
    vi.stubEnv(name, value);
    const error: unknown = await import("../../plugins.config.ts").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(problem) });
    expect(String((error as Error).message)).not.toContain("hidden");
  });
});

describe("commands of plugins", () => {
  it("are run with their arguments and options, data apart from words", async () => {
    expect(await weftline("greet", "Ada", "--config", config)).toEqual({ code: 0, out: "Hello Ada\n", said: "about to greet\n" });
    expect(await weftline("greet", "Ada", "Bob", "Eve", "--words", "Bye", "--loud", "--config", config)).toMatchObject({
      out: "Bye Ada and Bob and Eve!\n",
    });
  });

  it("are given a platform, and exit with the code that they answer", async () => {
    expect(await weftline("count", "--config", config)).toMatchObject({ code: 7, out: "function for Ada\n" });
  });

  it("may be a group of commands, each with its own arguments, options and help", async () => {
    expect(await weftline("loom", "lost", "--config", config)).toMatchObject({ code: 3, out: "" });
    const { out } = await weftline("loom", "--help", "--config", config);
    expect(out).toMatch(/Usage: weftline loom[^]*look .*Looks at what is installed\.\n[^]*lost .*Has nothing\./);
    expect(await weftline("loom", "look", "--help", "--config", config)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Usage: weftline loom look [options] [what]"),
    });
    for (const words of [["loom"], ["loom", "bogus"], ["loom", "lost", "--json"]])
      expect(await weftline(...words, "--config", config)).toMatchObject({ code: 2, out: "" });
  });

  it("that need a scratch platform have one beside a running server, on a folder that is gone afterwards", async () => {
    const serving = await createPlatform((await import(pathToFileURL(config).href)).default);
    try {
      const { code, out } = await weftline("loom", "look", "twill", "--json", "--config", config);
      expect(code).toBe(0);
      const { folder: scratch, ...seen } = JSON.parse(out) as Record<string, unknown>;
      expect(seen).toEqual({ what: "twill", json: true, lifetime: "temporary", rows: 0, apart: true });
      expect(existsSync(String(scratch))).toBe(false);
    } finally {
      await serving.close();
    }
  });

  describe("that need the graph", () => {
    const query = "{ viewer { name } helloGreeting }";
    const asked = (out: string): unknown => JSON.parse(out);

    it("ask that of their own host, as who calls from this machine, or as whose token they are given", async () => {
      const open = writeConfig(folder, `{ plugins: [auth(), hello()], dataDir: ${JSON.stringify(join(folder, "a"))} }`, "open.ts");
      const { code, out } = await weftline("loom", "ask", query, "--config", open);
      expect(code).toBe(0);
      const data = { viewer: { name: "Local user" }, helloGreeting: "Hello world" };
      expect(asked(out)).toEqual({ data, first: "RESYNC", screen: false, red: "x" });
      const viewers = `auth({ viewers: [{ token: "token-of-ada", id: "ada", name: "Ada" }] })`;
      const closed = writeConfig(folder, `{ plugins: [${viewers}, hello()], dataDir: ${JSON.stringify(join(folder, "b"))} }`, "closed.ts");
      expect(await weftline("loom", "ask", query, "--config", closed)).toMatchObject({
        code: 1,
        said: expect.stringMatching(/UNAUTHENTICATED[^]*→ Pass a token .*--token, or WEFTLINE_TOKEN/),
      });
      const ada = { data: { ...data, viewer: { name: "Ada" } } };
      const named = await weftline("loom", "ask", query, "--token", "token-of-ada", "--config", closed);
      expect(asked(named.out)).toMatchObject(ada);
      vi.stubEnv("WEFTLINE_TOKEN", "token-of-ada");
      expect(asked((await weftline("loom", "ask", query, "--config", closed)).out)).toMatchObject(ada);
    });

    it("say how to pass a token where a server takes none of who asks", async () => {
      const viewers = `auth({ viewers: [{ token: "token-of-ada", id: "ada", name: "Ada" }] })`;
      const file = writeConfig(
        folder,
        `{ plugins: [${viewers}, hello()], dataDir: ${JSON.stringify(join(folder, "e"))}, logLevel: "silent" }`,
        "refusing.ts",
      );
      const serving = await createPlatform((await import(pathToFileURL(file).href)).default);
      try {
        const { url } = await serving.listen({ port: 0 });
        expect(await weftline("loom", "ask", query, "--token", "wrong", "--url", url, "--config", file)).toMatchObject({
          code: 1,
          said: expect.stringMatching(/UNAUTHENTICATED[^]*→ Pass a token that the server knows: --token, or WEFTLINE_TOKEN/),
        });
      } finally {
        await serving.close();
      }
    });

    it("say where a server runs on the data folder how to ask that, and ask it by its address", async () => {
      const file = writeConfig(
        folder,
        `{ plugins: [auth(), hello({ name: "server" })], dataDir: ${JSON.stringify(join(folder, "c"))}, logLevel: "silent", server: { port: 4561 } }`,
        "serving.ts",
      );
      const serving = await createPlatform((await import(pathToFileURL(file).href)).default);
      try {
        const { url } = await serving.listen({ port: 0 });
        expect(await weftline("loom", "ask", query, "--config", file)).toMatchObject({
          code: 1,
          said: expect.stringMatching(/a server runs on it[^]*--url http:\/\/127\.0\.0\.1:4561\/graphql/),
        });
        const { out } = await weftline("loom", "ask", query, "--url", url, "--config", file);
        expect(asked(out)).toMatchObject({ data: { helloGreeting: "Hello server" }, first: "RESYNC", url });
        expect(await weftline("loom", "ask", "{ nothing }", "--url", url, "--config", file)).toMatchObject({
          code: 1,
          said: expect.stringMatching(/^✗ Cannot query field "nothing"[^\n]*\[GRAPHQL_VALIDATION_FAILED\]\n/),
        });
      } finally {
        await serving.close();
      }
      const gone = await weftline("loom", "ask", query, "--url", "http://127.0.0.1:4569/graphql", "--config", file);
      expect(gone).toMatchObject({
        code: 1,
        said: expect.stringMatching(/http:\/\/127\.0\.0\.1:4569\/graphql is not available[^]*→ Start/),
      });
      expect(await weftline("loom", "ask", query, "--url", "ftp://x", "--config", file)).toMatchObject({ code: 1 });
    });
  });

  it("that need nothing have no platform", async () => {
    const { code, said } = await weftline("lost", "--config", config);
    expect(code).toBe(1);
    expect(said).toContain("the command says that it needs nothing");
  });

  it("exit 4 where the platform does not boot, with the report and the stack of the plugin", async () => {
    const failing = writeConfig(
      folder,
      `{ plugins: [hello({ setup: "fails" })], dataDir: ${JSON.stringify(join(folder, "data"))}, logLevel: "silent" }`,
      "failing.ts",
    );
    const { code, said } = await weftline("count", "--config", failing);
    expect(code).toBe(4);
    expect(said).toContain('[PLUGIN_SETUP_FAILED] The setup of "hello" failed: the kettle is cold');
    expect(said).toMatch(/^✗ The platform did not start\. \[BOOT_FAILED\]\n/);
    expect(said).toMatch(/Error: the kettle is cold\n\s+at .*hello\.ts:\d+:\d+\)\n$/);
  });

  it("may not take the name of one of ours", async () => {
    const file = join(folder, "clash.ts");
    const core = JSON.stringify(join(import.meta.dirname, "../../src/core/index.ts"));
    writeFileSync(
      file,
      `import { commands, contribution, definePlugin } from ${core};
       const clash = definePlugin({ id: "clash", contributes: [contribution(commands, "start", { description: "x", run: () => 0 })] });
       export default { plugins: [clash()] };`,
    );
    expect(await weftline("--help", "--config", file)).toMatchObject({
      code: 1,
      said: expect.stringContaining('comes from "weftline" and from "clash"'),
    });
  });
});
