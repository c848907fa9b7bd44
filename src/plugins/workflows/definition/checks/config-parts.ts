import type { Problem } from "../fields.ts";
import { templateText } from "../template-text.ts";

/** An expression in the settings of a node. */
export interface ConfigExpression {
  readonly source: string;
  readonly path: readonly string[];
  /** Whether its value stands for itself, or is put into a text. */
  readonly as: "value" | "text";
}

/** The expressions in some settings, and what is wrong with their templates. */
export interface ConfigParts {
  readonly expressions: readonly ConfigExpression[];
  readonly problems: readonly Problem[];
}

/**
 * Finds the expressions in the settings of a node.
 *
 * @param whole names of the members that are expressions as a whole.
 */
export function configParts(config: unknown, whole: readonly string[], path: readonly string[]): ConfigParts {
  const expressions: ConfigExpression[] = [];
  const problems: Problem[] = [];
  const walk = (value: unknown, at: readonly string[]): void => {
    if (typeof value === "string") readText(value, at);
    else if (typeof value === "object" && value !== null) for (const [name, each] of Object.entries(value)) walk(each, [...at, name]);
  };
  const readText = (text: string, at: readonly string[]): void => {
    const read = templateText(text);
    if ("problem" in read) return void problems.push({ path: at, message: read.problem });
    const as = read.parts.length === 1 ? "value" : "text";
    for (const part of read.parts) if ("expression" in part) expressions.push({ source: part.expression, path: at, as });
  };
  for (const [name, value] of Object.entries(config ?? {})) {
    const at = [...path, name];
    if (whole.includes(name) && typeof value === "string") expressions.push({ source: value, path: at, as: "value" });
    else walk(value, at);
  }
  return { expressions, problems };
}
