import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { circlesOf, packageOf, readSources, root, targetOf, type Source, type SyntaxNode } from "./sources.ts";

const sources = readSources("src");
const inFolder = (folder: string): Source[] => sources.filter(({ path }) => path.startsWith(`${folder}/`));
const pluginIds = [...new Set(inFolder("src/plugins").flatMap(({ path }) => /^src\/plugins\/([^/]+)\//.exec(path)?.[1] ?? []))];

/** What stands in the way of a rule, a line each: `from:line what`. */
type Breach = string;

/** Every import of some files that `problem` has something against. */
function importsAgainst(
  files: readonly Source[],
  problem: (target: string | undefined, specifier: string, from: Source) => string | undefined,
): Breach[] {
  return files.flatMap((from) =>
    from.imports.flatMap(({ specifier, line }) => {
      const found = problem(targetOf(from.path, specifier), specifier, from);
      return found === undefined ? [] : [`${from.path}:${line} ${found}`];
    }),
  );
}

/** Every node of some files that `problem` has something against. */
function nodesAgainst(files: readonly Source[], problem: (node: SyntaxNode) => string | undefined): Breach[] {
  return files.flatMap((from) => {
    const breaches: Breach[] = [];
    from.walk((node) => {
      const found = problem(node);
      if (found !== undefined) breaches.push(`${from.path}:${from.lineOf(node.start)} ${found}`);
    });
    return breaches;
  });
}

/** The layer of a file of the core: its folder, or `api` for what makes the author API and `top` for what knows all the rest. */
function layerOf(path: string): string | undefined {
  if (path === "src/core/errors.ts") return "errors";
  if (["platform", "compose", "serving"].some((name) => path === `src/core/${name}.ts`)) return "top";
  return /^src\/core\/([^/.]+)\//.exec(path)?.[1] ?? (path.startsWith("src/core/") ? "api" : undefined);
}

/** Who may take from whom; each layer also from itself. */
const layers: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  kernel: ["errors"],
  database: ["errors", "kernel"],
  graphql: ["errors", "kernel", "database"],
  api: ["errors", "kernel", "database", "graphql", "host", "runs"],
  host: ["errors", "kernel", "database", "graphql", "api"],
  runs: ["errors", "kernel", "database", "graphql", "host", "api"],
  top: ["errors", "kernel", "database", "graphql", "host", "runs", "api"],
};

it("sees the sources", () => {
  expect(sources.length).toBeGreaterThan(150);
  expect(sources.reduce((sum, { imports }) => sum + imports.length, 0)).toBeGreaterThan(600);
  for (const layer of Object.keys(layers)) expect(sources.filter(({ path }) => layerOf(path) === layer).length, layer).toBeGreaterThan(0);
  for (const folder of ["src/cli", "src/testing", "src/client"]) expect(inFolder(folder).length, folder).toBeGreaterThan(0);
  expect(pluginIds).toEqual(expect.arrayContaining(["agents", "auth", "capabilities", "chat", "health", "models", "openai", "simulated"]));
});

describe("imports", () => {
  it("lead to files that exist", () => {
    expect(importsAgainst(sources, (target, specifier) => (target?.endsWith("(missing)") ? specifier : undefined))).toEqual([]);
  });

  it("never lead back to where they began, not even for a type", () => {
    const edges = new Map(sources.map(({ path, imports }) => [path, imports.flatMap(({ specifier }) => targetOf(path, specifier) ?? [])]));
    expect(circlesOf(edges)).toEqual([]);
  });

  it("of the core go from the outer layers to the inner ones", () => {
    const core = inFolder("src/core");
    expect(
      importsAgainst(core, (target, _, from) => {
        const [mine, other] = [layerOf(from.path) ?? "", target === undefined ? undefined : layerOf(target)];
        if (target === undefined || other === mine) return undefined;
        return other !== undefined && layers[mine]?.includes(other) ? undefined : `${mine} takes from ${other ?? target}`;
      }),
    ).toEqual([]);
  });

  it("of the core never name a plugin, and never go through the author API", () => {
    expect(
      importsAgainst(inFolder("src/core"), (target, specifier) =>
        specifier.startsWith("#") || target?.startsWith("src/plugins/") ? specifier : undefined,
      ),
    ).toEqual([]);
  });

  it("of the author API's barrel are no one's in the core but its own", () => {
    expect(importsAgainst(inFolder("src/core"), (target) => (target === "src/core/index.ts" ? "the author API" : undefined))).toEqual([]);
  });

  it("of the kernel know no graph, no ORM, and no package but two small ones", () => {
    const allowed = ["semver", "@standard-schema/spec"];
    expect(
      importsAgainst(inFolder("src/core/kernel"), (_, specifier) => {
        const name = packageOf(specifier);
        return name === undefined || allowed.includes(name) ? undefined : specifier;
      }),
    ).toEqual([]);
  });

  it("of a plugin are the author API, contracts of others, its own files and packages", () => {
    for (const id of pluginIds) {
      const own = `src/plugins/${id}/`;
      expect(
        importsAgainst(inFolder(`src/plugins/${id}`), (target, specifier) => {
          if (packageOf(specifier) !== undefined || specifier === "#weftline") return undefined;
          if (specifier.startsWith("#plugins/")) return target?.startsWith(own) ? `${specifier} is itself` : undefined;
          return target?.startsWith(own) ? undefined : specifier;
        }),
      ).toEqual([]);
    }
  });

  it("of a plugin are no graphql, no Pothos and no driver: it is handed what it builds with", () => {
    const core = ["graphql", "@pothos/core", "graphql-yoga", "graphql-ws", "@mikro-orm/sqlite", "better-sqlite3", "kysely"];
    expect(
      importsAgainst(inFolder("src/plugins"), (_, specifier) => (core.includes(packageOf(specifier) ?? "") ? specifier : undefined)),
    ).toEqual([]);
  });

  it("inside a plugin go from index over schema and service to entities, never back", () => {
    const ranks = ["entities", "service", "schema", "index"];
    const rankOf = (path: string): number => ranks.indexOf(/^src\/plugins\/[^/]+\/(\w+)(?:\.ts|\/)/.exec(path)?.[1] ?? "");
    const breaches = importsAgainst(inFolder("src/plugins"), (target, _, from) => {
      const mine = rankOf(from.path);
      if (target === undefined || mine < 0 || !target.startsWith("src/plugins/")) return undefined;
      return rankOf(target) > mine ? `${ranks[mine]} takes from ${ranks[rankOf(target)]}` : undefined;
    });
    expect(breaches).toEqual([]);
    expect(inFolder("src/plugins").filter(({ path }) => rankOf(path) >= 0).length).toBeGreaterThan(20);
  });

  it("of a plugin's contract lead to no schema, no migration and no index: others load it", () => {
    const contracts = inFolder("src/plugins").filter(({ path }) => path.endsWith("/contract.ts"));
    expect(contracts.length).toBeGreaterThan(3);
    const heavy = /^src\/plugins\/[^/]+\/(schema|migrations|index)(\.ts|\/)/;
    expect(importsAgainst(contracts, (target) => (heavy.test(target ?? "") ? target : undefined))).toEqual([]);
  });

  it("of a plugin's index are the list of plugins' alone", () => {
    const others = sources.filter(({ path }) => path !== "src/plugins/index.ts");
    expect(importsAgainst(others, (target) => (/^src\/plugins\/[^/]+\/index\.ts$/.test(target ?? "") ? target : undefined))).toEqual([]);
  });

  it("of the client are its own files: it runs in browsers, without a server beside it", () => {
    expect(
      importsAgainst(inFolder("src/client"), (target, specifier) =>
        specifier.startsWith("node:") || (target !== undefined && !target.startsWith("src/client/")) ? specifier : undefined,
      ),
    ).toEqual([]);
  });

  it("of a framework's SDK stand in its plugin, and load it at first use", () => {
    const sdks: Readonly<Record<string, string>> = {
      openai: "openai",
      langchain: "langchain",
      "@langchain/core": "langchain",
      "@langchain/langgraph": "langgraph",
    };
    const seen: string[] = [];
    const breaches = sources.flatMap((from) =>
      from.imports.flatMap(({ specifier, kind, line }) => {
        const owner = sdks[packageOf(specifier) ?? ""];
        if (owner === undefined) return [];
        seen.push(specifier);
        return from.path.startsWith(`src/plugins/${owner}/`) && kind !== "value" ? [] : [`${from.path}:${line} ${kind} ${specifier}`];
      }),
    );
    expect(breaches).toEqual([]);
    expect(seen).toContain("openai");
  });
});

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
    expect(kernel.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(700);
  });

  it("reads the environment in the configuration and the command line only", () => {
    const readers = sources.filter(({ path }) => !path.startsWith("src/cli/"));
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
    const others = sources.filter(({ path }) => !path.startsWith("src/core/database/") && !path.includes("/migrations/"));
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
    expect(
      nodesAgainst(plugins, (node) => {
        if (node.type === "Property" && nameOf(node["key"]) === "filters") return "filters";
        if (node.type !== "MemberExpression") return undefined;
        const [receiver, property] = [nameOf(node["object"]) ?? "", nameOf(node["property"]) ?? ""];
        if (receiver === "sql" && ["all", "get"].includes(property)) return `sql.${property}`;
        return ["em", "tx", "database"].includes(receiver) && ofStores.includes(property) ? `${receiver}.${property}` : undefined;
      }),
    ).toEqual([]);
  });

  it("acts as the platform where nobody asks: in what agents and tools do within a run", () => {
    const known = [
      "src/plugins/agents/service/run-target.ts",
      "src/plugins/capabilities/tools/message-send.ts",
      "src/plugins/example/tool.ts",
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
    expect(names.length).toBeLessThanOrEqual(155);
  });
});
