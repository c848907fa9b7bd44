import type { NamedRef, NodeReferences } from "../../contract.ts";
import type { Problem } from "../fields.ts";
import type { NamedTarget, Surroundings } from "../surroundings.ts";

type Found = Promise<NamedTarget | undefined>;

/** Looks up what nodes name, each once. */
export class Targets {
  readonly #surroundings: Surroundings;
  readonly #found = new Map<string, Found>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  agent(ref: NamedRef): Found {
    return this.#once("agent", ref, () => this.#surroundings.agent(ref));
  }

  tool(name: string): Found {
    return this.#once("tool", name, () => this.#surroundings.tool(name));
  }

  workflow(ref: NamedRef): Found {
    return this.#once("workflow", ref, () => this.#surroundings.workflow(ref));
  }

  #once(what: string, ref: NamedRef, find: () => NamedTarget | undefined | PromiseLike<NamedTarget | undefined>): Found {
    const key = `${what} ${JSON.stringify(ref)}`;
    const known = this.#found.get(key) ?? (async () => find())();
    this.#found.set(key, known);
    return known;
  }

  /** Names that nothing has. */
  async unknown({ agents = [], tools = [], workflows = [] }: NodeReferences, path: readonly string[]): Promise<Problem[]> {
    const named: readonly (readonly [what: string, ref: NamedRef | undefined, found: Found | undefined])[] = [
      ...agents.map((ref) => ["agent", ref, ref === undefined ? undefined : this.agent(ref)] as const),
      ...tools.map((ref) => ["tool", ref, ref === undefined ? undefined : this.tool(ref)] as const),
      ...workflows.map((ref) => ["workflow", ref, ref === undefined ? undefined : this.workflow(ref)] as const),
    ];
    const problems: Problem[] = [];
    for (const [what, ref, found] of named)
      if (ref !== undefined && !(await found)) problems.push({ path: [...path, what], message: `There is no ${what} ${wordsOf(ref)}.` });
    return problems;
  }
}

function wordsOf(ref: NamedRef): string {
  if (typeof ref === "string") return `"${ref}"`;
  return "id" in ref ? `with the id "${ref.id}"` : `"${ref.name}"`;
}
