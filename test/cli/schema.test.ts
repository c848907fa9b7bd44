import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newFolder, weftline, writeConfig } from "./terminal.ts";

let folder: string;
let config: string;
let file: string;
beforeEach(() => {
  folder = newFolder();
  config = writeConfig(folder);
  file = join(folder, "schema.graphql");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("schema print", () => {
  it("prints the graph and nothing else, always the same", async () => {
    const first = await weftline("schema", "print", "--config", config);
    expect(first).toMatchObject({ code: 0, said: "" });
    expect(first.out).toContain("helloGreeting: String");
    expect(await weftline("schema", "print", "--config", config)).toEqual(first);
  });

  it("writes it to a file", async () => {
    expect(await weftline("schema", "print", "--out", file, "--config", config)).toEqual({ code: 0, out: "", said: "" });
    expect(readFileSync(file, "utf8")).toBe((await weftline("schema", "print", "--config", config)).out);
  });

  it("needs no plugin to be set up", async () => {
    const failing = writeConfig(folder, '{ plugins: [hello({ setup: "fails" })] }', "failing.ts");
    expect(await weftline("schema", "print", "--config", failing)).toMatchObject({ code: 0 });
  });
});

describe("schema check", () => {
  it("passes for what was printed", async () => {
    await weftline("schema", "print", "--out", file, "--config", config);
    expect(await weftline("schema", "check", "--file", file, "--config", config)).toEqual({ code: 0, out: "", said: "" });
  });

  it("exits 4 and shows the lines that differ", async () => {
    await weftline("schema", "print", "--out", file, "--config", config);
    writeFileSync(file, `${readFileSync(file, "utf8").replace("helloGreeting: String", "helloGreeting: Int")}type Extra\n`);
    const { code, said } = await weftline("schema", "check", "--file", file, "--config", config);
    expect(code).toBe(4);
    expect(said).toContain("-   helloGreeting: Int\n");
    expect(said).toContain("+   helloGreeting: String\n");
    expect(said).toContain("- type Extra\n");
    expect(said).toContain(`weftline schema print --out ${file}`);
  });

  it("shows no more than a screen of them", async () => {
    writeFileSync(file, "");
    const { said } = await weftline("schema", "check", "--file", file, "--config", config);
    expect(said.split("\n").length).toBeLessThan(30);
    expect(said).toMatch(/… and \d+ more/);
  });

  it("says how to make the file where there is none", async () => {
    expect(await weftline("schema", "check", "--file", file, "--config", config)).toMatchObject({
      code: 1,
      said: expect.stringContaining("weftline schema print --out"),
    });
  });
});
