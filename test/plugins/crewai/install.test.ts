import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WeftlineError } from "#weftline";
import { crewaiInstaller } from "../../../src/plugins/crewai/python/install.ts";
import { pinnedVersion } from "../../../src/plugins/crewai/python/installation.ts";

let home: string;
let commands: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "weftline-install-"));
  commands = mkdtempSync(join(tmpdir(), "weftline-commands-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of [home, commands]) rmSync(folder, { recursive: true });
});

const never = new AbortController().signal;
const install = (signal: AbortSignal, progress: () => void = () => undefined) =>
  crewaiInstaller.install({ config: { home }, folder: home, signal, progress });
const check = () => crewaiInstaller.check({ config: {}, folder: home });

/** Something that looks like an installation, under a name of the home. */
function installed(name: string): void {
  mkdirSync(join(home, name, "bin"), { recursive: true });
  mkdirSync(join(home, name, `lib/python3.12/site-packages/crewai-${pinnedVersion()}.dist-info`), { recursive: true });
  symlinkSync(process.execPath, join(home, name, "bin/python"));
}

/** What an installer that was killed leaves in the home. */
function killed(): void {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  mkdirSync(join(home, "installing"));
  writeFileSync(join(home, "installing", String(pid)), "");
}

describe("an installation of CrewAI", () => {
  it("that was killed is taken over by one of those that come at once, and all others are told to wait", async () => {
    writeFileSync(join(commands, "uv"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    vi.stubEnv("PATH", [commands, process.env["PATH"]].join(delimiter));
    for (let round = 0; round < 10; round++) {
      killed();
      const stop = new AbortController();
      const many = 20;
      let begun = 0;
      const refused: unknown[] = [];
      const all: Promise<unknown>[] = [];
      while (all.length < many) {
        all.push(install(stop.signal, () => begun++).catch((error: unknown) => refused.push(error)));
        // Each a little later than the one before, so that they are at different steps.
        await new Promise(setImmediate);
      }
      await vi.waitFor(() => expect(begun + refused.length).toBe(many));
      expect(begun).toBe(1);
      for (const error of refused) expect(error).toMatchObject({ code: "CONFLICT" });
      expect(readdirSync(join(home, "installing"))).toEqual([String(process.pid)]);
      stop.abort();
      await Promise.all(all);
      expect(readdirSync(home)).toEqual([]);
    }
  });

  it("that was killed while the new one took the place of the old one is put back, and survives a next one that fails", async () => {
    vi.stubEnv("PATH", commands);
    killed();
    installed("python.0");
    mkdirSync(join(home, "python.4711"));
    await expect(install(never)).rejects.toThrow(WeftlineError);
    expect(readdirSync(home)).toEqual(["python"]);
    expect(check()).toMatchObject({ state: "ready" });
  });

  it("takes the place of the old one, of which nothing is left", async () => {
    installed("python");
    writeFileSync(join(home, "python/old"), "");
    // What uv makes: an interpreter that answers, and CrewAI beside it.
    const dist = `lib/python3.12/site-packages/crewai-${pinnedVersion()}.dist-info`;
    const uv = `#!/bin/sh
for last; do :; done
if [ "$1" = venv ]; then mkdir -p "$last/bin" "$last/${dist}" && printf '#!/bin/sh\\n' > "$last/bin/python" && chmod +x "$last/bin/python"; fi
`;
    writeFileSync(join(commands, "uv"), uv, { mode: 0o755 });
    vi.stubEnv("PATH", [commands, process.env["PATH"]].join(delimiter));
    expect(await install(never)).toContain(`CrewAI ${pinnedVersion()} is installed`);
    expect(readdirSync(home)).toEqual(["python"]);
    expect(existsSync(join(home, "python/old"))).toBe(false);
    expect(check()).toMatchObject({ state: "ready" });
  });
});
