import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newFolder, root, weftline } from "./terminal.ts";

let folder: string;
let versions = 0;
beforeEach(() => {
  folder = newFolder();
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A plugin with one table, with or without its migrations, in a file of its own: modules are loaded once. */
function pluginWith(columns: readonly string[], migrations: "with" | "without"): string {
  const file = join(folder, `config-${versions++}.ts`);
  const columnLines = columns.map((column) => `${column}: p.string().nullable()`).join(", ");
  writeFileSync(
    file,
    `import { defineEntity } from "@mikro-orm/core";
     import { definePlugin, owned } from ${JSON.stringify(join(root, "src/core/index.ts"))};
     ${migrations === "with" ? `import { migrations } from "./migrations/index.ts?${versions}";` : "const migrations = {};"}
     const schema = defineEntity({ name: "Note", tableName: "notes_note", properties: (p) => ({ id: p.string().primary(), ${columnLines} }) });
     const notes = definePlugin({ id: "notes", entities: [owned(schema, { rule: "INTERNAL" })], migrations });
     export default { plugins: [notes()], dataDir: ${JSON.stringify(join(folder, "data"))} };`,
  );
  return file;
}

const folderOption = (): string[] => ["--folder", join(folder, "migrations")];

describe("migrate", () => {
  it("writes, checks and applies the migrations of a plugin", async () => {
    const first = await weftline(
      "migrate",
      "new",
      "--plugin",
      "notes",
      "--initial",
      ...folderOption(),
      "--config",
      pluginWith(["title"], "without"),
    );
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/migrations\/\d{12}_initial\.ts\n$/);
    expect(first.said).toContain("create table `notes_note`");

    const config = pluginWith(["title"], "with");
    expect(await weftline("migrate", "check", "--config", config)).toEqual({ code: 0, out: "", said: "" });
    expect(existsSync(join(folder, "data"))).toBe(false);

    expect(await weftline("migrate", "status", "--config", config)).toMatchObject({
      code: 5,
      out: expect.stringMatching(/^notes\/\d{12}_initial\tpending$/m),
    });
    const up = await weftline("migrate", "up", "--config", config);
    expect(up.code).toBe(0);
    expect(up.out.split("\n")).toContainEqual(expect.stringMatching(/^notes\/\d{12}_initial$/));
    expect(await weftline("migrate", "status", "--config", config)).toMatchObject({ code: 0, out: expect.not.stringContaining("pending") });
    expect(await weftline("migrate", "up", "--config", config)).toMatchObject({ code: 0, out: "", said: "Nothing is pending.\n" });
  });

  it("fails the check for a property that no migration makes, and writes the one that does", async () => {
    await weftline("migrate", "new", "--plugin", "notes", "--initial", ...folderOption(), "--config", pluginWith(["title"], "without"));
    const drifted = pluginWith(["title", "body"], "with");
    expect(await weftline("migrate", "check", "--config", drifted)).toMatchObject({
      code: 5,
      out: "alter table `notes_note` add column `body` text null;\n",
    });
    expect(
      await weftline("migrate", "new", "--plugin", "notes", "--name", "add_body", ...folderOption(), "--config", drifted),
    ).toMatchObject({ code: 0 });
    expect(await weftline("migrate", "check", "--config", pluginWith(["title", "body"], "with"))).toMatchObject({ code: 0 });
  });

  it("writes nothing where nothing changed", async () => {
    await weftline("migrate", "new", "--plugin", "notes", "--initial", ...folderOption(), "--config", pluginWith(["title"], "without"));
    const again = await weftline("migrate", "new", "--plugin", "notes", ...folderOption(), "--config", pluginWith(["title"], "without"));
    expect(again).toMatchObject({ code: 0, out: "", said: expect.stringContaining("have not changed") });
    expect(readdirSync(join(folder, "migrations")).filter((file) => /^\d/.test(file))).toHaveLength(1);
  });

  it("refuses a plugin that is not configured, a folder that it cannot guess and a name that is none", async () => {
    const config = pluginWith([], "without");
    expect(await weftline("migrate", "new", "--plugin", "nobody", "--config", config)).toMatchObject({
      code: 1,
      said: expect.stringContaining('plugin "nobody"'),
    });
    expect(await weftline("migrate", "new", "--plugin", "notes", "--config", config)).toMatchObject({
      code: 1,
      said: expect.stringContaining("--folder"),
    });
    expect(await weftline("migrate", "new", "--plugin", "notes", "--name", "Add body", "--config", config)).toMatchObject({
      code: 1,
      said: expect.stringContaining("snake_case"),
    });
  });
});
