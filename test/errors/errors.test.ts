import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asWeftlineError, errorCodes, messageOf, WeftlineError, type ErrorCode } from "../../src/core/errors.ts";
import { readSources, type Source, type SyntaxNode } from "../architecture/sources.ts";
import { errorsFile, printErrors } from "./print.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];
const sources = readSources("src").filter(({ path }) => path !== "src/core/errors.ts");
const placeholdersOf = (template: string): string[] => [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);

interface Made {
  readonly at: string;
  /** `undefined` where it is chosen at run time, among the codes that the compiler allows. */
  readonly code: ErrorCode | undefined;
  /** The keys of the details; `...` for what is spread into them, `?` for details made elsewhere. */
  readonly keys: readonly string[];
}

/** Each `new WeftlineError(…)` of the sources. */
const made: readonly Made[] = sources.flatMap((source) => {
  const found: Made[] = [];
  source.walk((node) => {
    if (node.type !== "NewExpression" || nameOf(node["callee"]) !== "WeftlineError") return;
    const [code, details] = node["arguments"] as SyntaxNode[];
    found.push({ at: `${source.path}:${source.lineOf(node.start)}`, code: codeOf(code), keys: keysOf(details) });
  });
  return found;
});

function nameOf(node: unknown): string | undefined {
  return (node as { readonly name?: string }).name;
}

function codeOf(node: SyntaxNode | undefined): ErrorCode | undefined {
  return node?.type === "Literal" ? (node["value"] as ErrorCode) : undefined;
}

function keysOf(node: SyntaxNode | undefined): string[] {
  if (node === undefined) return [];
  if (node.type !== "ObjectExpression") return ["?"];
  return (node["properties"] as SyntaxNode[]).map((property) => {
    if (property.type === "SpreadElement") return "...";
    const key = property["key"] as { readonly name?: string; readonly value?: string };
    return key.name ?? key.value ?? "";
  });
}

/** Every text that stands in a file, comments apart. */
function textsOf(source: Source): string[] {
  const texts: string[] = [];
  source.walk((node) => void (node.type === "Literal" && typeof node["value"] === "string" && texts.push(node["value"])));
  return texts;
}

describe("the catalogue of errors", () => {
  it("is what docs/errors.md says: print it anew by node test/errors/print.ts", async () => {
    expect(readFileSync(errorsFile, "utf8")).toBe(await printErrors());
  });

  it("names every code once in the document", () => {
    const document = readFileSync(errorsFile, "utf8");
    const rows = [...document.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(rows.toSorted()).toEqual(codes.toSorted());
  });

  it("has codes in capitals, and sentences for people", () => {
    for (const code of codes) {
      const { says, fix } = errorCodes[code];
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(says, code).toMatch(/^[A-Z"{].*([.!?)]|\})$/s);
      expect(fix, code).toMatch(/^[A-Z{"].*\S$/);
    }
  });

  it("holds no code that nothing uses", () => {
    const texts = new Set(sources.flatMap(textsOf));
    expect(codes.filter((code) => !texts.has(code))).toEqual([]);
  });
});

describe("an error that is thrown", () => {
  it("is one of the catalogue's, with all that its sentences need", () => {
    expect(made.length).toBeGreaterThan(60);
    const breaches = made.flatMap(({ at, code, keys }) => {
      if (code === undefined) return [];
      const entry = errorCodes[code];
      if (entry === undefined) return [`${at} ${code} is not in the catalogue`];
      const needed = [
        ...(keys.includes("message") ? [] : placeholdersOf(entry.says)),
        ...(keys.includes("fix") ? [] : placeholdersOf(entry.fix)),
      ];
      const missing = needed.filter((name) => !keys.includes(name));
      return missing.length > 0 && !keys.includes("...") && !keys.includes("?") ? [`${at} ${code} lacks ${missing.join()}`] : [];
    });
    expect(breaches).toEqual([]);
  });

  it("is a WeftlineError, but where another library waits for its own", () => {
    const others: Readonly<Record<string, string>> = {
      GraphQLError: "src/core/graphql/",
      InvalidArgumentError: "src/cli/",
      WeftlineClientError: "src/client/",
      GraphInterrupt: "src/plugins/langgraph/",
      // A check of the test kit that does not hold.
      Error: "src/testing/",
    };
    const breaches: string[] = [];
    let seen = 0;
    for (const source of sources) {
      source.walk((node) => {
        const thrown = node["argument"] as SyntaxNode | undefined;
        if (node.type !== "ThrowStatement" || thrown?.type !== "NewExpression") return;
        seen++;
        const name = nameOf(thrown["callee"]) ?? "";
        // Several errors at once are held together by what the language has for that.
        if (name === "WeftlineError" || name === "AggregateError" || source.path.startsWith(others[name] ?? "(nowhere)")) return;
        breaches.push(`${source.path}:${source.lineOf(node.start)} ${name}`);
      });
    }
    expect(breaches).toEqual([]);
    expect(seen).toBeGreaterThan(50);
  });
});

describe("a WeftlineError", () => {
  it("fills its sentences from its details, and leaves what it is not told", () => {
    const error = new WeftlineError("PROVIDER_FAILED", { provider: "openai", status: 503 });
    expect(error.message).toBe("The model provider openai failed (status 503): {problem}");
    expect(new WeftlineError("FRAMEWORK_UNKNOWN", { framework: "x", known: "openai, langgraph" }).fix).toBe(
      "Choose one of: openai, langgraph.",
    );
  });

  it("says another sentence or fix where it is given one", () => {
    const error = new WeftlineError("CONFLICT", { message: "Already archived.", fix: "Restore it first." });
    expect([error.message, error.fix]).toEqual(["Already archived.", "Restore it first."]);
  });

  it("knows its kind, and whether the same may succeed later", () => {
    expect(new WeftlineError("NOT_FOUND").kind).toBe("notFound");
    expect(new WeftlineError("STORE_UNAVAILABLE").retryable).toBe(true);
    expect(new WeftlineError("RATE_LIMITED").retryable).toBe(true);
    expect(new WeftlineError("INVALID_INPUT").retryable).toBe(false);
    expect(new WeftlineError("PROVIDER_AUTH", { retryable: false }).retryable).toBe(false);
  });

  it("keeps what is behind it", () => {
    const cause = new Error("socket closed");
    expect(new WeftlineError("PROVIDER_UNREACHABLE", {}, { cause }).cause).toBe(cause);
    expect(asWeftlineError(cause)).toMatchObject({ code: "INTERNAL", cause });
    const known = new WeftlineError("BUSY");
    expect(asWeftlineError(known)).toBe(known);
  });

  it("never repeats the words of an error that it does not know", () => {
    expect(asWeftlineError(new Error("key sk-123 refused")).message).toBe("Something went wrong here.");
  });

  it("reads the words of anything that is thrown", () => {
    const odd = [Object.create(null), { toString: 1 }];
    expect([new Error("a"), "b", 3, undefined, ...odd].map(messageOf)).toEqual([
      "a",
      "b",
      "3",
      "undefined",
      "[object Object]",
      "[object Object]",
    ]);
  });
});
