import type { Source, SyntaxNode } from "./sources.ts";

/** A place in the sources that commits rows. */
export interface CommitSite {
  /** Its name, which its failpoints begin with; absent where it has none that can be read here. */
  readonly name?: string;
  readonly path: string;
  readonly line: number;
}

/** What the database and a request's scope commit with. */
const verbs = new Set(["commit", "write", "upkeep"]);
/** Names of what has these verbs. Whatever is called otherwise is known by the work that it is handed. */
const stores = new Set(["database", "#database", "scope"]);
/** What hands work on to a verb, with a name that it was given. */
const handsOn = new Set(["src/core/graphql/scope.ts", "src/core/host/idempotency.ts", "src/core/runs/jobs/commit-work.ts"]);

/** All places of some sources that commit, in order. */
export function commitsOf(sources: readonly Source[]): CommitSite[] {
  return sources
    .filter(({ path }) => !path.startsWith("src/core/database/") && !handsOn.has(path))
    .flatMap((source) => {
      const found: CommitSite[] = [];
      source.walk((node) => {
        if (!commits(node)) return;
        const name = nameOf(source, node);
        found.push({ path: source.path, line: source.lineOf(node.start), ...(name === undefined ? {} : { name }) });
      });
      return found;
    });
}

/** Places around what is done outside the store, as the sources name them. */
export function placesOf(sources: readonly Source[]): string[] {
  const found = new Set<string>();
  for (const source of sources) {
    source.walk((node) => {
      if (node.type !== "CallExpression" || lastName(node["callee"]) !== "failpoint") return;
      const text = textOf((node["arguments"] as SyntaxNode[])[0]);
      if (text !== undefined) found.add(text);
    });
  }
  return [...found];
}

function commits(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression") return false;
  const callee = node["callee"] as SyntaxNode;
  if (callee.type === "Identifier") return callee["name"] === "idempotently";
  if (callee.type !== "MemberExpression" || !verbs.has(lastName(callee) ?? "")) return false;
  return stores.has(lastName(callee["object"]) ?? "") || (node["arguments"] as SyntaxNode[]).some(isWork);
}

/** A function of a transaction: of callbacks of streams, which are written to as well, none takes anything. */
function isWork(node: SyntaxNode): boolean {
  return /Function/.test(node.type) && (node["params"] as SyntaxNode[]).length > 0;
}

function nameOf(source: Source, node: SyntaxNode): string | undefined {
  const given = node["arguments"] as SyntaxNode[];
  const isIdempotent = (node["callee"] as SyntaxNode).type === "Identifier";
  return isIdempotent ? nameOfRequest(source, given[1]) : textOf(given.at(-1));
}

/** The name of a request, or else of its mutation; the request may stand in a constant of the file. */
function nameOfRequest(source: Source, request: SyntaxNode | undefined): string | undefined {
  if (request?.type !== "Identifier") return request && propertyOf(request, ["name", "mutation"]);
  let found: string | undefined;
  source.walk((node) => {
    if (node.type !== "VariableDeclarator" || (node["id"] as SyntaxNode)["name"] !== request["name"]) return;
    const value = node["init"] as SyntaxNode | null;
    found ??= value ? propertyOf(value, ["name", "mutation"]) : undefined;
  });
  return found;
}

function propertyOf(object: SyntaxNode, names: readonly string[]): string | undefined {
  if (object.type !== "ObjectExpression") return undefined;
  const properties = object["properties"] as SyntaxNode[];
  const values = names.map((name) => properties.find((each) => lastName(each["key"]) === name)?.["value"] as SyntaxNode | undefined);
  return values.map(textOf).find((text) => text !== undefined);
}

function textOf(node: SyntaxNode | undefined): string | undefined {
  return node?.type === "Literal" && typeof node["value"] === "string" ? node["value"] : undefined;
}

function lastName(node: unknown): string | undefined {
  const { type, name, property, expression } = (node ?? {}) as {
    readonly type?: string;
    readonly name?: string;
    readonly property?: SyntaxNode;
    readonly expression?: SyntaxNode;
  };
  if (type === "PrivateIdentifier") return `#${name}`;
  if (expression) return lastName(expression);
  return name ?? (property ? lastName(property) : undefined);
}
