import { describe, expect, it } from "vitest";
import { circlesOf, packageOf, targetOf } from "./sources.ts";
import { importsAgainst, inFolder, pluginIds, sources } from "./rules.ts";

/** The layer of a file of the core: its folder, or `api` for what makes the author API and `top` for what knows all the rest. */
function layerOf(path: string): string | undefined {
  if (path === "src/core/errors.ts") return "errors";
  if (["platform", "compose", "serving"].some((name) => path === `src/core/${name}.ts`)) return "top";
  return /^src\/core\/([^/.]+)\//.exec(path)?.[1] ?? (path.startsWith("src/core/") ? "api" : undefined);
}

/** Who may take from whom; each layer also from itself. */
const layers: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  json: ["errors"],
  figures: [],
  kernel: ["errors"],
  offload: ["errors"],
  expressions: ["errors", "json", "kernel", "offload"],
  database: ["errors", "figures", "kernel"],
  process: ["errors", "kernel"],
  outgoing: ["errors", "kernel"],
  sealed: ["errors", "json", "kernel", "database"],
  graphql: ["errors", "json", "figures", "kernel", "database", "process"],
  api: ["errors", "json", "figures", "kernel", "offload", "expressions", "database", "outgoing", "sealed", "graphql", "host", "runs"],
  host: ["errors", "json", "kernel", "database", "sealed", "graphql", "api"],
  runs: ["errors", "json", "figures", "kernel", "database", "process", "graphql", "host", "api"],
  backup: ["errors", "database", "api"],
  top: ["errors", "json", "figures", "kernel", "backup", "database", "process", "outgoing", "sealed", "graphql", "host", "runs", "api"],
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
    // But for a store's thread, which reads by a connection of its own.
    const others = inFolder("src/plugins").filter(({ path }) => path !== "src/plugins/memory/store/sqlite/search-thread.ts");
    expect(importsAgainst(others, (_, specifier) => (core.includes(packageOf(specifier) ?? "") ? specifier : undefined))).toEqual([]);
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
    const sdks: Readonly<Record<string, readonly string[]>> = {
      openai: ["openai"],
      langchain: ["langchain"],
      "@langchain/openai": ["langchain"],
      "@langchain/core": ["langchain", "langgraph"],
      "@langchain/langgraph": ["langgraph"],
    };
    const seen: string[] = [];
    const breaches = sources.flatMap((from) =>
      from.imports.flatMap(({ specifier, kind, line }) => {
        const owners = sdks[packageOf(specifier) ?? ""];
        if (owners === undefined) return [];
        seen.push(packageOf(specifier) ?? "");
        const owned = owners.some((owner) => from.path.startsWith(`src/plugins/${owner}/`));
        // Types of a protocol may be shared; code is loaded where it is at home.
        const fine = kind === "type" ? owned || packageOf(specifier) === "openai" : owned && kind !== "value";
        return fine ? [] : [`${from.path}:${line} ${kind} ${specifier}`];
      }),
    );
    expect(breaches).toEqual([]);
    expect(seen).toEqual(expect.arrayContaining(["openai", "langchain", "@langchain/openai"]));
  });
});
