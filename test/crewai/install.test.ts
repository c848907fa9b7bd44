import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { lockFile } from "../../src/plugins/crewai/python/installation.ts";
import { forgedIndex, silentIndex } from "./package-index.ts";

const root = join(import.meta.dirname, "../..");
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "weftline-install-"));
  folders.push(folder);
  return folder;
}

const searched = (process.env["PATH"] ?? "").split(delimiter);
const isUv = (folder: string): boolean => existsSync(join(folder, "uv"));

/** The uv to install by. @throws where there is none: a missing part is a failure here. */
function folderOfUv(): string {
  const named = process.env["WEFTLINE_TEST_UV"];
  const found = named === undefined ? searched.find(isUv) : dirname(named);
  if (found === undefined || !isUv(found)) throw new Error("There is no uv. Put it in the path, or name one in WEFTLINE_TEST_UV.");
  return found;
}

const ways: readonly (readonly [string, () => readonly string[]])[] = [
  ["uv", () => [folderOfUv(), ...searched]],
  ["venv and pip", () => searched.filter((folder) => !isUv(folder))],
];

/** No waiting for what will not come, and nothing from an earlier installation. */
const impatient = { PIP_RETRIES: "0", PIP_NO_CACHE_DIR: "1", UV_HTTP_RETRIES: "0", UV_NO_CACHE: "1" };

const command = [process.execPath, join(root, "src/cli/main.ts"), "plugins", "install", "crewai"];

/** Runs the command line in a process of its own. */
function weftline(data: string, places: readonly string[], argv: readonly string[], more: NodeJS.ProcessEnv = {}) {
  return run([...command, ...argv], { ...impatient, PATH: places.join(delimiter), WEFTLINE_DATA: data, ...more });
}

function run([file = "", ...argv]: readonly string[], more: NodeJS.ProcessEnv) {
  const child = spawn(file, argv, { cwd: root, env: { ...process.env, ...more } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, said }));
  return { child, ended, said: () => said };
}

/** Nothing half-made stands in a home, and nothing is taken for an installation. */
async function expectNothing(data: string, places: readonly string[]): Promise<void> {
  const home = join(data, "crewai");
  expect(existsSync(home) ? readdirSync(home) : []).toEqual([]);
  expect(await weftline(data, places, ["--check"]).ended).toEqual({
    code: 4,
    said: expect.stringContaining("CrewAI for Python is not installed. Run: npx weftline plugins install crewai"),
  });
}

describe.each(ways)("an installation by %s", (_, places) => {
  it("that does not reach the package index says so, and leaves nothing", async () => {
    const data = newFolder();
    const nowhere = "http://127.0.0.1:9/simple/";
    const { code, said } = await weftline(data, places(), [], { PIP_INDEX_URL: nowhere, UV_DEFAULT_INDEX: nowhere }).ended;
    expect(code, said).toBe(1);
    expect(said).toMatch(/CrewAI for Python is not available: .*See that this machine reaches its package index/s);
    await expectNothing(data, places());
  });

  it("that is given other files than those of the lock refuses them, and leaves nothing", async () => {
    await using index = await forgedIndex(lockFile);
    const data = newFolder();
    const { code, said } = await weftline(data, places(), [], { PIP_INDEX_URL: index.url, UV_DEFAULT_INDEX: index.url }).ended;
    expect(code, said).toBe(1);
    expect(said).toMatch(/CrewAI for Python is not available: .*hash.*The package index gave a file that is not the one/is);
    await expectNothing(data, places());
  });

  it("that runs out of disk says so, and leaves nothing", async () => {
    const data = newFolder();
    const script =
      'mount -t tmpfs -o size=60m tmpfs "$1" && { "$2" "$3" "$4" "$5" "$6"; echo "ended with $?, left: $(ls -A "$1/crewai")"; }';
    const disk = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", data, ...command];
    const { said } = await run(disk, { PATH: places().join(delimiter), WEFTLINE_DATA: data }).ended;
    expect(said).toMatch(/No space left.*Make room for some 2 GB/s);
    expect(said).toMatch(/ended with 1, left: $/m);
  });

  it("that is stopped leaves nothing, and one that is killed is begun anew by the next", async () => {
    await using index = await silentIndex();
    const slow = { PIP_INDEX_URL: index.url, UV_DEFAULT_INDEX: index.url };
    const data = newFolder();
    const stopped = weftline(data, places(), [], slow);
    await vi.waitFor(() => expect(stopped.said()).toContain("Fetching"), { timeout: 60_000 });
    expect(await weftline(data, places(), [], slow).ended).toMatchObject({
      code: 1,
      said: expect.stringMatching(/by another process.*Wait until/s),
    });
    expect((await weftline(data, places(), ["--check"]).ended).said).toMatch(/is being installed/);
    stopped.child.kill("SIGINT");
    expect(await stopped.ended).toMatchObject({ said: expect.stringContaining("it was stopped before its end") });
    await expectNothing(data, places());

    const killed = weftline(data, places(), [], slow);
    await vi.waitFor(() => expect(killed.said()).toContain("Fetching"), { timeout: 60_000 });
    killed.child.kill("SIGKILL");
    expect((await weftline(data, places(), ["--check"]).ended).said).toContain("is not installed");
    const nowhere = "http://127.0.0.1:9/simple/";
    const next = weftline(data, places(), [], { PIP_INDEX_URL: nowhere, UV_DEFAULT_INDEX: nowhere });
    expect((await next.ended).said).toContain("See that this machine reaches");
    await expectNothing(data, places());
  });
});

describe("an installation", () => {
  it("without uv and without a Python that suits says what to install", async () => {
    const data = newFolder();
    const { code, said } = await weftline(data, [newFolder()], []).ended;
    expect([code, said]).toEqual([1, expect.stringMatching(/neither uv nor a Python from 3\.11 to 3\.13.*Install one of them/s)]);
    await expectNothing(data, searched);
  });

  it("to a folder that cannot be made says so", async () => {
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    expect(await weftline(file, searched, []).ended).toMatchObject({
      code: 1,
      said: expect.stringContaining("CrewAI for Python is not available"),
    });
  });
});
