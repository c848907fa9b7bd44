import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { sealedValues, type SealedPlace } from "#weftline";
import { configuredKeys, generateKey } from "../../src/core/sealed/keys.ts";
import { testPlatform, type TestPlatform, type TestPlatformOptions } from "../../src/testing/index.ts";

const secret = "whsec_top-secret-ünïcode-🔑";
const purpose = "tests.secret";
const [keyA, keyB] = [generateKey(), generateKey()];
const idOf = (key: string) => configuredKeys({ keys: [key] })[0]?.id ?? "";

const parent = mkdtempSync(join(tmpdir(), "weftline-sealed-"));
afterAll(() => rmSync(parent, { recursive: true }));
const newFolder = () => mkdtempSync(join(parent, "data-"));

const apps: TestPlatform[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function boot(dataDir: string, rest: Partial<TestPlatformOptions> = {}): Promise<TestPlatform> {
  const app = await testPlatform({ plugins: [], dataDir, ...rest });
  apps.push(app);
  return app;
}

async function close(app: TestPlatform): Promise<void> {
  apps.splice(apps.indexOf(app), 1);
  await app.close();
}

/** @returns where the value is. */
async function seal({ platform }: TestPlatform, tenantId = "test", value = secret): Promise<SealedPlace> {
  const id = await platform.database.commit((tx) => platform.use(sealedValues).seal(tx, { tenantId, purpose, value }));
  return { tenantId, purpose, id };
}

const open = ({ platform }: TestPlatform, place: SealedPlace) => platform.use(sealedValues).open(place);
const sql = ({ platform }: TestPlatform, text: string, ...params: string[]) =>
  platform.database.commit((tx) => tx.sql.run(text, ...params));
const keyIdOf = async ({ platform }: TestPlatform, { id }: SealedPlace) =>
  (await platform.database.read.get<{ key: string }>("select key_id as key from platform_sealed_value where id = ?", id))?.key;

describe("a sealed value", () => {
  it("opens again, also after a restart, and stands in no file of the data folder", async () => {
    const dataDir = newFolder();
    const first = await boot(dataDir, { secrets: { keys: [keyA] } });
    const place = await seal(first);
    expect(await open(first, place)).toBe(secret);
    await close(first);
    for (const file of readdirSync(dataDir)) expect(readFileSync(join(dataDir, file)).includes("top-secret"), file).toBe(false);
    const second = await boot(dataDir, { secrets: { keys: [keyA] }, mode: "production" });
    expect(await open(second, place)).toBe(secret);
  });

  it("is sealed with a nonce of its own", async () => {
    const app = await boot(newFolder(), { secrets: { keys: [keyA] } });
    await Promise.all([seal(app), seal(app), seal(app)]);
    const rows = await app.platform.database.read.all<{ sealed: string }>("select sealed from platform_sealed_value");
    expect(new Set(rows.map(({ sealed }) => sealed.slice(0, 16))).size).toBe(3);
  });

  it("does not open where a bit of it was changed, or where it was cut off", async () => {
    const app = await boot(newFolder(), { secrets: { keys: [keyA] } });
    const place = await seal(app);
    const row = await app.platform.database.read.get<{ sealed: string }>("select sealed from platform_sealed_value");
    const bytes = Buffer.from(row?.sealed ?? "", "base64");
    const flipped = [0, 12, bytes.length - 17, bytes.length - 1].map((at) => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    });
    for (const changed of [...flipped, bytes.subarray(0, -1), bytes.subarray(0, 20), Buffer.alloc(0)]) {
      await sql(app, "update platform_sealed_value set sealed = ?", changed.toString("base64"));
      const error = await open(app, place).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "SEALED_VALUE_INVALID", retryable: false });
      expect(JSON.stringify(error)).not.toContain("top-secret");
    }
  });

  it("does not open for another tenant, purpose or id, wherever its row is copied to", async () => {
    const app = await boot(newFolder(), { secrets: { keys: [keyA] } });
    const place = await seal(app);
    for (const other of [{ tenantId: "other" }, { purpose: "tests.other" }, { id: "another" }])
      await expect(open(app, { ...place, ...other })).rejects.toMatchObject({ code: "NOT_FOUND" });
    const copy =
      "insert into platform_sealed_value (id, tenant_id, purpose, key_id, sealed, created_at) select ?, ?, ?, key_id, sealed, created_at from platform_sealed_value limit 1";
    await sql(app, copy, "stolen", "other", purpose);
    await sql(app, copy, "moved", "test", "tests.other");
    await expect(open(app, { tenantId: "other", purpose, id: "stolen" })).rejects.toMatchObject({ code: "SEALED_VALUE_INVALID" });
    await expect(open(app, { ...place, purpose: "tests.other", id: "moved" })).rejects.toMatchObject({ code: "SEALED_VALUE_INVALID" });
  });

  it("is gone when it was removed, for its own tenant only", async () => {
    const app = await boot(newFolder(), { secrets: { keys: [keyA] } });
    const place = await seal(app);
    const remove = (other: SealedPlace) => app.platform.database.commit((tx) => app.platform.use(sealedValues).remove(tx, other));
    await remove({ ...place, tenantId: "other" });
    expect(await open(app, place)).toBe(secret);
    await remove(place);
    await remove(place);
    await expect(open(app, place)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("is taken up to 65,536 characters", async () => {
    const app = await boot(newFolder(), { secrets: { keys: [keyA] } });
    expect(await open(app, await seal(app, "test", "x".repeat(65_536)))).toHaveLength(65_536);
    expect(await open(app, await seal(app, "test", ""))).toBe("");
    await expect(seal(app, "test", "x".repeat(65_537))).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("keys", () => {
  it("are named where one is not configured that something was sealed with", async () => {
    const dataDir = newFolder();
    const first = await boot(dataDir, { secrets: { keys: [keyA] } });
    const place = await seal(first);
    await close(first);
    const second = await boot(dataDir, { secrets: { keys: [keyB] } });
    await expect(open(second, place)).rejects.toMatchObject({
      code: "SECRET_KEY_UNKNOWN",
      retryable: false,
      message: `A secret is sealed with the key ${idOf(keyA)}; this server has ${idOf(keyB)}.`,
      fix: expect.stringContaining("WEFTLINE_SECRET_KEY"),
    });
  });

  it("rotate: all open, the first seals, and a rotation seals everything with it", async () => {
    const dataDir = newFolder();
    const first = await boot(dataDir, { secrets: { keys: [keyA] } });
    const old = await seal(first);
    const damaged = await seal(first);
    for (let count = 0; count < 250; count++) await seal(first, "test", `secret ${count}`);
    await sql(first, "update platform_sealed_value set sealed = 'AAAA' where id = ?", damaged.id);
    await close(first);

    const second = await boot(dataDir, { secrets: { keys: [keyB, keyA] } });
    expect(await open(second, old)).toBe(secret);
    expect(await keyIdOf(second, await seal(second))).toBe(idOf(keyB));
    const service = second.platform.use(sealedValues);
    expect(await service.rotate()).toMatchObject({ resealed: 251, failed: [{ id: damaged.id, error: { code: "SEALED_VALUE_INVALID" } }] });
    expect(await service.rotate()).toMatchObject({ resealed: 0, failed: [{ id: damaged.id }] });
    expect(await keyIdOf(second, old)).toBe(idOf(keyB));
    await close(second);

    const third = await boot(dataDir, { secrets: { keys: [keyB] } });
    expect(await open(third, old)).toBe(secret);
  });

  it("come from a file, one a line, behind those that stand in the configuration", async () => {
    const dataDir = newFolder();
    const keyFile = join(newFolder(), "keys");
    writeFileSync(keyFile, `\n${keyA}\r\n  ${keyB.replaceAll("+", "-").replaceAll("/", "_").replace("=", "")}\n`);
    const first = await boot(dataDir, { secrets: { keyFile } });
    expect(await keyIdOf(first, await seal(first))).toBe(idOf(keyA));
    await close(first);
    const second = await boot(dataDir, { secrets: { keys: [keyB], keyFile } });
    expect(await keyIdOf(second, await seal(second))).toBe(idOf(keyB));
  });

  it("that are none stop the start, and are not repeated in the message", async () => {
    const wrong = ["hunter2-hunter2", Buffer.alloc(31, 7).toString("base64"), `${keyA}!`, "", keyA.slice(0, -4)];
    const noKeys = join(newFolder(), "empty");
    writeFileSync(noKeys, "\n");
    const cases = [
      ...wrong.map((key) => [{ keys: [keyA, key] }, "key 2 of the configuration is not 32 bytes in base64"] as const),
      [{ keyFile: join(parent, "nowhere") }, "the key file cannot be read"],
      [{ keyFile: noKeys }, "holds no key"],
    ] as const;
    for (const [secrets, words] of cases) {
      const error = await boot(newFolder(), { secrets }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(words) });
      expect(String(error)).not.toMatch(/hunter2|BwcH/);
    }
  });
});

describe("without a configured key", () => {
  it("development makes a key file when something is to be sealed, for this user alone", async () => {
    const dataDir = newFolder();
    const file = join(dataDir, "secret.key");
    const first = await boot(dataDir);
    expect(existsSync(file)).toBe(false);
    const place = await seal(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir).filter((name) => name.startsWith("secret"))).toEqual(["secret.key"]);
    await close(first);
    expect(await open(await boot(dataDir), place)).toBe(secret);
  });

  it("production starts, and refuses to seal with words that say how to make a key", async () => {
    const app = await boot(newFolder(), { mode: "production" });
    await expect(seal(app)).rejects.toMatchObject({
      code: "SECRET_KEY_MISSING",
      retryable: false,
      message: "There is no key to seal a secret with: none is configured.",
      fix: expect.stringContaining("weftline secrets generate-key"),
    });
  });

  it("a data folder that was restored without its key file says what is missing, and makes no other key", async () => {
    const [dataDir, restored] = [newFolder(), newFolder()];
    const first = await boot(dataDir);
    const place = await seal(first);
    const keyId = await keyIdOf(first, place);
    await close(first);
    copyFileSync(join(dataDir, "weftline.db"), join(restored, "weftline.db"));
    const second = await boot(restored);
    const file = join(restored, "secret.key");
    await expect(open(second, place)).rejects.toMatchObject({
      code: "SECRET_KEY_UNKNOWN",
      fix: expect.stringContaining(`Put ${file} back`),
    });
    const problem = `There is no key to seal a secret with: ${file} is missing, and values are sealed with its key ${keyId}.`;
    await expect(seal(second)).rejects.toMatchObject({ code: "SECRET_KEY_MISSING", message: problem, fix: `Put ${file} back.` });
    expect(existsSync(file)).toBe(false);
    copyFileSync(join(dataDir, "secret.key"), file);
    expect(await open(second, place)).toBe(secret);
  });

  it("production says where the key of development is", async () => {
    const dataDir = newFolder();
    const first = await boot(dataDir);
    const place = await seal(first);
    await close(first);
    const second = await boot(dataDir, { mode: "production" });
    const file = join(dataDir, "secret.key");
    await expect(open(second, place)).rejects.toMatchObject({ fix: expect.stringContaining(`The key is in ${file}`) });
    await close(second);
    expect(await open(await boot(dataDir, { mode: "production", secrets: { keyFile: file } }), place)).toBe(secret);
  });
});
