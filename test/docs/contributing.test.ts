import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../architecture/sources.ts";

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const records = readdirSync(join(root, "docs/adr")).filter((name) => /^\d{4}-.*\.md$/.test(name));
const pages = ["CONTRIBUTING.md", "docs/adr/README.md", ...records.map((name) => `docs/adr/${name}`)];

describe("CONTRIBUTING.md", () => {
  const text = read("CONTRIBUTING.md");

  it("names scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const named = [...text.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = ""]) => name).filter((name) => name !== "install");
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("names files and folders that exist", () => {
    const named = [...text.matchAll(/(?:^|[\s`(])((?:src|test|docs|\.ci)\/[\w./*<>-]*\w)/gm)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !/[<*]/.test(path) && !existsSync(join(root, path)))).toEqual([]);
  });
});

describe("the records of decisions", () => {
  it("are listed, each once and in order", () => {
    const listed = [...read("docs/adr/README.md").matchAll(/\[(\d+)\]\((\d{4}-[\w-]+\.md)\) \| (.+) \|/g)].map(
      ([, number, file, title]) => ({ number, file, title }),
    );
    expect(listed.map(({ file }) => file)).toEqual(records);
    for (const { number, file, title } of listed) expect(read(`docs/adr/${file}`).split("\n")[0]).toBe(`# ${number}. ${title}`);
  });

  it("say what else was considered, and what follows, on one page", () => {
    for (const record of records) {
      const text = read(`docs/adr/${record}`);
      for (const section of ["Context", "Decision", "Considered", "Consequences"])
        expect(text, record).toMatch(new RegExp(`^## ${section}`, "m"));
      expect(text.split("\n").length, record).toBeLessThan(80);
    }
  });
});

it("links of these pages lead somewhere", () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].flatMap(([, target = ""]) =>
      existsSync(join(root, dirname(page), target)) ? [] : [`${page}: ${target}`],
    ),
  );
  expect(broken).toEqual([]);
});
