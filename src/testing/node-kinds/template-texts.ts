import type { NodeCase } from "./under-test.ts";

/** A case whose texts come from expressions. */
export interface TemplatedCase {
  readonly settings: NodeCase;
  /** Of the settings that are expressions now. */
  readonly paths: readonly string[];
  /** Inputs by which each of them in turn is what no text is. */
  readonly misfits: readonly Readonly<Record<string, unknown>>[];
}

/** Under which name the run's input holds the texts. */
const member = "conformanceTexts";

/** What a text is not. */
const misfits: readonly unknown[] = [{ no: ["text"] }, [1, "two"], null, -0.5, true, ""];

/** A case with every text of its settings taken out into the run's input; nothing where there is none. */
export function templateTexts(given: NodeCase): TemplatedCase | undefined {
  const { config, input, fixed = [] } = given;
  const texts: string[] = [];
  const paths: string[] = [];
  const taken = (value: unknown, path: string): unknown => {
    if (fixed.includes(path)) return value;
    if (typeof value === "string" && !value.includes("{{")) {
      paths.push(path);
      return `{{ input.${member}[${texts.push(value) - 1}] }}`;
    }
    if (Array.isArray(value)) return value.map((each, at) => taken(each, `${path}.${at}`));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, taken(each, path === "" ? name : `${path}.${name}`)]));
  };
  const settings = { ...given, config: taken(config, "") as NodeCase["config"], input: { ...input, [member]: texts } };
  if (texts.length === 0) return undefined;
  const inputs = texts.flatMap((_, at) => misfits.map((misfit) => ({ ...input, [member]: texts.with(at, misfit as string) })));
  return { settings, paths, misfits: inputs };
}
