import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Packs the package, installs it into an empty folder as a user would, and runs it there: with the Node of this clone in the place of the
 * system's, and without the sources at hand. An older Node comes from npm, to be refused.
 */
const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "weftline-package-"));
const app = join(folder, "app");
/** What the package and all that it brings may take, in MiB. */
const largestInstall = 250;

/** The environment of a user: without what npm set for this script, and without the tools of this project. */
function userEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE_OPTIONS$|OPENAI_|WEFTLINE_)/.test(name));
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((part) => !part.includes("node_modules") && !part.includes("node-gyp-bin"));
  return { ...Object.fromEntries(own), PATH: [dirname(process.execPath), ...path].join(delimiter), ...extra };
}

function run(command: string, args: readonly string[], cwd = app): string {
  return execFileSync(command, args, { cwd, env: userEnvironment(), encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

function step(name: string): void {
  process.stdout.write(`- ${name}\n`);
}

interface Server {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts the installed server on a free port and waits until it says where. */
async function start(args: readonly string[]): Promise<Server> {
  const child = spawn("npx", ["weftline", "start", "--port", "0", ...args], {
    cwd: app,
    env: userEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    const url = /http:\/\/\S+\/graphql/.exec(said)?.[0];
    if (url) resolve(url);
  });
  child.once("exit", (code) => reject(new Error(`The server ended with ${code}:\n${said}`)));
  const timer = setTimeout(() => reject(new Error(`The server did not start:\n${said}`)), 30_000);
  try {
    return { url: await promise, child };
  } finally {
    clearTimeout(timer);
  }
}

async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  return response.json();
}

/** A signal to `npx` ends the server too. */
async function stop({ child, url }: Server): Promise<void> {
  child.removeAllListeners("exit");
  child.kill("SIGTERM");
  const deadline = Date.now() + 15_000;
  while (await answers(url)) {
    assert.ok(Date.now() < deadline, "The server outlived npx.");
    await sleep(100);
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(new URL("/healthz", url)).then(
    () => true,
    () => false,
  );
}

/** The packages that take the most room, with what they take. */
function largest(): string {
  const lines = run("sh", ["-c", "du -sk node_modules/[!@]* node_modules/@* | sort -rn | head -n 8"]).trim().split("\n");
  return lines
    .map((line) => line.split("\t"))
    .map(([size, path = ""]) => `${path.slice("node_modules/".length)} ${Math.round(Number(size) / 1024)}`)
    .join(", ");
}

const ownPlugin = `import { defineEntity } from "@mikro-orm/core";
import { Migration } from "@mikro-orm/migrations";
import { databaseService, definePlugin, owned } from "weftline";
import { auth, models, simulated } from "weftline/plugins";
import { defineConfig } from "weftline/server";

const GreetingSchema = defineEntity({
  name: "HelloGreeting",
  tableName: "hello_greeting",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
});
class HelloGreeting extends GreetingSchema.class {}
GreetingSchema.setClass(HelloGreeting);

class Initial extends Migration {
  override up() {
    this.addSql("create table hello_greeting (id text not null primary key, tenant_id text not null, owner_id text not null)");
  }
}

const hello = definePlugin({
  id: "hello",
  requires: { database: databaseService },
  entities: [owned(GreetingSchema, { rule: "PRIVATE" })],
  migrations: { "202601010000_initial": Initial },
  setup: ({ deps, onReady }) =>
    onReady(() => deps.database.write("SYSTEM", async ({ em }) => void (await em.insert(HelloGreeting, { id: "1", tenantId: "t", ownerId: "o" })))),
  schema: (builder) => builder.queryField("helloGreeting", (t) => t.string({ description: "A greeting.", resolve: () => "Hello" })),
});

export default defineConfig({ plugins: [auth(), models(), simulated(), hello()] });
`;

const ownTest = `import { equal } from "node:assert/strict";
import { testPlatform } from "weftline/testing";
import { createPlatform } from "weftline/server";
import "weftline/client";
import config from "./plugins.config.ts";

await using app = await testPlatform({ plugins: config.plugins });
equal((await app.graphql("{ helloGreeting }")).helloGreeting, "Hello");
equal(typeof createPlatform, "function");
`;

try {
  step("pack");
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--loglevel", "error", "--ignore-scripts", "--pack-destination", folder], root),
  ) as [{ filename: string; size: number }];

  step("install into an empty folder");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error", join(folder, packed.filename)]);

  const installed = Math.ceil(Number.parseInt(run("du", ["-sk", "node_modules"]), 10) / 1024);
  step(`takes ${installed} MiB: ${largest()}`);
  assert.ok(installed <= largestInstall, `The package takes more than ${largestInstall} MiB.`);

  step("refuse an older Node in one line");
  const old = join(folder, "old");
  mkdirSync(old);
  const oldNode = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error", "--no-save", `${oldNode}@20`], old);
  const refused = spawnSync(join(old, "node_modules", oldNode, "bin/node"), [join(app, "node_modules/weftline/bin/weftline.js"), "start"], {
    cwd: app,
    env: userEnvironment(),
    encoding: "utf8",
  });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^✗ Weftline needs Node 24 or newer, and this is v20\.\S+: .+\.\n$/);

  step(`run on Node ${run("node", ["--version"]).trim()}`);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  assert.equal(run("npx", ["weftline", "--version"]).trim(), version);

  step("serve what is built in");
  const builtIn = await start(["--data", join(folder, "built-in")]);
  assert.deepEqual(await ask(builtIn.url, "{ viewer { __typename } }"), { data: { viewer: { __typename: "Viewer" } } });
  await stop(builtIn);

  step("print the graph that is committed");
  assert.equal(run("npx", ["weftline", "schema", "print"]), readFileSync(join(root, "schema.graphql"), "utf8"));

  step("say how CrewAI for Python stands, which comes with its worker and its lock");
  const checked = spawnSync("npx", ["weftline", "plugins", "install", "crewai", "--check"], {
    cwd: app,
    env: userEnvironment(),
    encoding: "utf8",
  });
  assert.deepEqual([checked.status, /not installed.*plugins install crewai/.test(checked.stderr)], [4, true], checked.stderr);
  const python = join(app, "node_modules/weftline/dist/src/plugins/crewai/python");
  assert.match(readFileSync(join(python, "requirements.lock"), "utf8"), /^crewai==/m);
  assert.ok(readFileSync(join(python, "worker/main.py"), "utf8").includes("fork"));

  step("bring the licences of the libraries whose code the package holds");
  assert.match(readFileSync(join(app, "node_modules/weftline/dist/LICENSES.txt"), "utf8"), /^graphql-yoga [\d.]+: MIT$/m);

  step("serve a configuration and a plugin of one's own with a table, in TypeScript");
  writeFileSync(join(app, "plugins.config.ts"), ownPlugin);
  const own = await start(["--data", join(folder, "own")]);
  assert.deepEqual(await ask(own.url, "{ helloGreeting }"), { data: { helloGreeting: "Hello" } });
  await stop(own);

  step("test it with weftline/testing");
  writeFileSync(join(app, "own.test.ts"), ownTest);
  execFileSync(process.execPath, ["own.test.ts"], { cwd: app, env: userEnvironment(), stdio: "inherit" });

  step("type-check it against the declarations");
  const options = {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", app], { stdio: "inherit" });
  process.stdout.write("The package works.\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
