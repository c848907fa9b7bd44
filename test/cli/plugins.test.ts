import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";

async function run(...argv: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const code = await runCli(argv, { out: () => undefined, say: (line) => void lines.push(line), paint: (_, text) => text });
  return { code, said: lines.join("\n") };
}

const config = new URL("fixtures/installers.config.ts", import.meta.url).pathname;

describe("plugins install", () => {
  it("says with --check how a plugin's needs stand, and exits 4 where something is missing", async () => {
    expect(await run("--config", config, "plugins", "install", "loom", "--check")).toEqual({
      code: 4,
      said: "✗ No loom stands in ./shed.",
    });
  });

  it("installs with the plugin's own configuration, and tells how far it is", async () => {
    expect(await run("--config", config, "plugins", "install", "loom")).toEqual({
      code: 0,
      said: "Carrying wood\n✓ A loom stands in ./shed",
    });
  });

  it("names what can be installed where a plugin needs nothing", async () => {
    const { code, said } = await run("--config", config, "plugins", "install", "auth");
    expect(code).not.toBe(0);
    expect(said).toContain("There is something to install for: loom.");
  });
});
