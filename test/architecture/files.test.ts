import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageOf, root, targetOf, type Source, type SyntaxNode } from "./sources.ts";
import { importsAgainst, inFolder, nodesAgainst, sources } from "./rules.ts";

/** The words, literals and punctuation of a file, without its comments. */
function tokensOf({ text }: Source): number {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return code.match(/"[^"]*"|`[^`]*`|[\w$]+|=>|\?\?|\?\.|\.\.\.|[=!]==|[<>|&]{2}|[^\s\w]/g)?.length ?? 0;
}

describe("a file", () => {
  it("has no default export: a name is the same wherever it is read", () => {
    expect(sources.flatMap(({ path, exports }) => (exports.some(({ name }) => name === "default") ? [path] : []))).toEqual([]);
  });

  it("holds one concept: 400 lines are too many, 300 are worth a look", () => {
    const long = sources.filter(({ length }) => length > 300).map(({ path, length }) => `${path} ${length}`);
    if (long.length > 0) process.stderr.write(`Longer than 300 lines:\n  ${long.join("\n  ")}\n`);
    expect(sources.filter(({ length }) => length > 400).map(({ path, length }) => `${path} ${length}`)).toEqual([]);
  });

  it("of the kernel is small, as they are together", () => {
    const kernel = inFolder("src/core/kernel");
    expect(kernel.length).toBeGreaterThan(5);
    // Tokens, since lines measure typography.
    expect(kernel.reduce((sum, source) => sum + tokensOf(source), 0)).toBeLessThanOrEqual(6_400);
  });

  it("reads the environment in the configuration and the command line only", () => {
    // One file takes away what a library would read.
    const readers = sources.filter(({ path }) => !path.startsWith("src/cli/") && path !== "src/plugins/langchain/quiet.ts");
    const isEnv = (node: SyntaxNode): boolean => {
      const object = node["object"] as { name?: string; type?: string } | undefined;
      const property = node["property"] as { name?: string; value?: string } | undefined;
      return node.type === "MemberExpression" && object?.name === "process" && (property?.name ?? property?.value) === "env";
    };
    const destructured = (node: SyntaxNode): boolean =>
      node.type === "VariableDeclarator" &&
      (node["init"] as { name?: string } | null)?.name === "process" &&
      /\benv\b/.test(JSON.stringify(node["id"]));
    expect(nodesAgainst(readers, (node) => (isEnv(node) || destructured(node) ? "process.env" : undefined))).toEqual([]);
    expect(importsAgainst(readers, (_, specifier) => (["process", "node:process"].includes(specifier) ? specifier : undefined))).toEqual(
      [],
    );
    const config = readFileSync(join(root, "plugins.config.ts"), "utf8");
    expect(config).toContain("process.env");
  });

  it("writes to the console from the command line only", () => {
    const others = sources.filter(({ path }) => !path.startsWith("src/cli/") && path !== "src/main.ts");
    expect(
      nodesAgainst(others, (node) =>
        node.type === "MemberExpression" && (node["object"] as { name?: string }).name === "console" ? "console" : undefined,
      ),
    ).toEqual([]);
    const writes = (node: SyntaxNode): boolean =>
      node.type === "MemberExpression" && ["stdout", "stderr"].includes((node["property"] as { name?: string }).name ?? "");
    expect(
      nodesAgainst(others, (node) =>
        writes(node) && (node["object"] as { name?: string }).name === "process" ? "process.stdout" : undefined,
      ),
    ).toEqual([]);
  });

  it("speaks no SQLite outside the database: what it asks for, Postgres answers too", () => {
    const words =
      /\b(unixepoch|pragma|rowid|json_extract|json_each|json_set|strftime|julianday|ifnull|glob|autoincrement|sqlite\w*|better-sqlite3)\b|\binsert or\b|\breplace into\b|\bbegin (immediate|exclusive)\b/i;
    // Migrations are written by the store's own generator; each store has its own.
    // And a plugin's store may have a folder for each database, behind one interface.
    const others = sources.filter(({ path }) => !path.startsWith("src/core/database/") && !/\/migrations\/|\/store\/sqlite\//.test(path));
    const textOf = (node: SyntaxNode): string | undefined => {
      if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
      return node.type === "TemplateElement" ? (node["value"] as { readonly raw: string }).raw : undefined;
    };
    const isImported = (text: string): boolean => /^@mikro-orm\/sqlite$/.test(text);
    // Sentences for people may name the store; statements may not use its dialect.
    const isSql = (text: string): boolean =>
      /\b(select|insert|update|delete|create|alter|drop|with|begin|pragma|from|where|set)\b/i.test(text) || /^\w+$/.test(text);
    expect(
      nodesAgainst(others, (node) => {
        const text = textOf(node);
        return text !== undefined && !isImported(text) && isSql(text) && words.test(text)
          ? `${words.exec(text)?.[0]} in: ${text.slice(0, 60)}`
          : undefined;
      }),
    ).toEqual([]);
    expect(
      importsAgainst(others, (_, specifier) =>
        ["better-sqlite3", "kysely", "node:sqlite"].includes(packageOf(specifier) ?? "") ? specifier : undefined,
      ),
    ).toEqual([]);
    const database = inFolder("src/core/database");
    expect(nodesAgainst(database, (node) => (words.test(textOf(node) ?? "") ? "seen" : undefined)).length).toBeGreaterThan(3);
  });
});

describe("a plugin", () => {
  const plugins = inFolder("src/plugins");

  it("does not pass by the ownership filter: it switches none off, and reads by no SQL of its own", () => {
    const ofStores = ["setFilterParams", "addFilter", "getConnection", "getKysely", "execute", "read"];
    const nameOf = (node: unknown): string | undefined => {
      const { name, property } = (node ?? {}) as { readonly name?: string; readonly property?: { readonly name?: string } };
      return name ?? property?.name;
    };
    // Whether the store answers at all is a question without rows.
    // And the ledger of budgets decides about model calls as the engine itself, within its transactions: it answers nobody.
    // The store of memories is handed the places that it searches, and filters by them in each statement.
    const ofPlatform = (path: string): boolean =>
      path === "src/plugins/health/checks.ts" || /^src\/plugins\/(budgets\/ledger|memory\/store)\//.test(path);
    const others = plugins.filter(({ path }) => !ofPlatform(path));
    expect(
      nodesAgainst(others, (node) => {
        if (node.type === "Property" && nameOf(node["key"]) === "filters") return "filters";
        if (node.type !== "MemberExpression") return undefined;
        const [receiver, property] = [nameOf(node["object"]) ?? "", nameOf(node["property"]) ?? ""];
        if (receiver === "sql" && ["all", "get"].includes(property)) return `sql.${property}`;
        return ["em", "tx", "database"].includes(receiver) && ofStores.includes(property) ? `${receiver}.${property}` : undefined;
      }),
    ).toEqual([]);
  });

  it("acts as the platform where nobody asks: in what agents and tools do within a run, what time does to files and schedules, and what files bring", () => {
    const known = [
      "src/plugins/agents/service/run-target.ts",
      "src/plugins/capabilities/tools/message-send.ts",
      "src/plugins/chat/service/fork/unfinished.ts",
      "src/plugins/chat/service/retained.ts",
      "src/plugins/example/tool.ts",
      "src/plugins/files/service/retained.ts",
      "src/plugins/files/service/sweep.ts",
      "src/plugins/files/service/uses.ts",
      "src/plugins/langgraph/store.ts",
      "src/plugins/memory/service/search.ts",
      "src/plugins/memory/service/workflow-memory.ts",
      "src/plugins/memory/tools/allowed.ts",
      "src/plugins/memory/tools/forget.ts",
      "src/plugins/memory/tools/found.ts",
      "src/plugins/memory/tools/remember.ts",
      // The operator's own collector is told of runs that ended.
      "src/plugins/otel/rows.ts",
      "src/plugins/retention/service/job.ts",
      "src/plugins/retention/service/policies.ts",
      "src/plugins/retention/service/timer.ts",
      "src/plugins/workflows/provided/provision.ts",
      "src/plugins/schedules/service/tick.ts",
    ];
    const isSystem = (node: SyntaxNode): boolean =>
      node.type === "CallExpression" &&
      (node["arguments"] as SyntaxNode[])[0]?.type === "Literal" &&
      (node["arguments"] as SyntaxNode[])[0]?.["value"] === "SYSTEM";
    const found = new Set(nodesAgainst(plugins, (node) => (isSystem(node) ? "SYSTEM" : undefined)).map((breach) => breach.split(":")[0]));
    expect([...found].filter((path) => !known.includes(path ?? ""))).toEqual([]);
  });
});

describe("the author API", () => {
  /** Every name that `#weftline` gives, what it passes on included. */
  function namesOf(path: string): string[] {
    const source = sources.find((each) => each.path === path) as Source;
    return [
      ...source.exports.map(({ name }) => name),
      ...source.exportsAllOf.flatMap((specifier) => namesOf(targetOf(path, specifier) ?? "")),
    ];
  }

  it("is small enough to be learned: it grows by decision only", () => {
    const names = namesOf("src/core/index.ts");
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("definePlugin");
    expect(names).toContain("runtimes");
    expect(names.length).toBeLessThanOrEqual(326);
  });
});
