import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealedValues } from "#weftline";
import { testPlatform } from "../../src/testing/index.ts";
import { newFolder, weftline } from "./terminal.ts";

let folder: string;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

const newKey = async () => (await weftline("secrets", "generate-key")).out.trim();

describe("secrets", () => {
  it("makes keys, on standard output or in a file for this user alone", async () => {
    const [first, second] = [await newKey(), await newKey()];
    expect(Buffer.from(first, "base64")).toHaveLength(32);
    expect(first).not.toBe(second);
    const file = join(folder, "keys");
    expect(await weftline("secrets", "generate-key", "--file", file)).toMatchObject({
      code: 0,
      out: "",
      said: expect.stringContaining(file),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const written = readFileSync(file, "utf8");
    expect(Buffer.from(written, "base64")).toHaveLength(32);
    expect(await weftline("secrets", "generate-key", "--file", file)).toMatchObject({
      code: 1,
      said: expect.stringContaining("is there already"),
    });
    expect(readFileSync(file, "utf8")).toBe(written);
  });

  it("rotates what was sealed with an old key, and says what did not open", async () => {
    const dataDir = join(folder, "data");
    const [before, after] = [await newKey(), await newKey()];
    const place = await (async () => {
      await using app = await testPlatform({ plugins: [], dataDir, secrets: { keys: [before] } });
      const { platform } = app;
      const value = { tenantId: "test", purpose: "tests.secret", value: "hunter2" };
      return { ...value, id: await platform.database.commit((tx) => platform.use(sealedValues).seal(tx, value)) };
    })();
    const config = (name: string, keys: readonly string[]) => {
      const file = join(folder, name);
      writeFileSync(file, `export default ${JSON.stringify({ plugins: [], dataDir, secrets: { keys } })};`);
      return ["secrets", "rotate", "--config", file];
    };
    const lost = await weftline(...config("lost.mjs", [after]));
    expect(lost).toMatchObject({ code: 1, said: expect.stringContaining(`${place.id}: A secret is sealed with the key `) });
    const rotated = await weftline(...config("both.mjs", [after, before]));
    expect(rotated).toEqual({ code: 0, out: "", said: "✓ Sealed 1 with the first key.\n" });
    expect(await weftline(...config("new.mjs", [after]))).toMatchObject({ code: 0, said: "✓ Sealed 0 with the first key.\n" });
    await using app = await testPlatform({ plugins: [], dataDir, secrets: { keys: [after] } });
    expect(await app.platform.use(sealedValues).open(place)).toBe("hunter2");
    expect(`${lost.said}${rotated.said}`).not.toContain("hunter2");
  });
});
