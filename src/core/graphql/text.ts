import { GraphQLError, type ASTVisitor, type ValidationContext } from "graphql";
import { WeftlineError } from "../errors.ts";

/** What neither every store nor every hash can hold: half a character, and the sign that ends a text for SQL. */
function isText(value: string): boolean {
  return value.isWellFormed() && !value.includes("\0");
}

const problem = "holds a NUL character or half a surrogate pair, which no text can hold";

/** A validation rule: the texts that stand in a document are texts. */
export function TextRule(context: ValidationContext): ASTVisitor {
  return {
    StringValue(node) {
      if (!isText(node.value)) context.reportError(new GraphQLError(`A text of the document ${problem}.`, { nodes: node }));
    },
  };
}

interface Place {
  readonly path: string;
  readonly value: unknown;
}

/**
 * The same for variables, wherever a text stands in them.
 *
 * @throws INVALID_INPUT naming the place.
 */
export function checkTexts(variables: Readonly<Record<string, unknown>>): void {
  // Without recursion: what comes in may nest deeper than the stack.
  const places: Place[] = Object.entries(variables).map(([name, value]) => ({ path: `$${name}`, value }));
  for (let place = places.pop(); place; place = places.pop()) {
    const { path, value } = place;
    if (typeof value === "string") {
      if (!isText(value)) throw refused(path);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (!isText(name)) throw refused(path);
        places.push({ path: `${path}.${name}`, value: inner });
      }
    }
  }
}

function refused(path: string): WeftlineError {
  const place = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return new WeftlineError("INVALID_INPUT", {
    message: `The variable ${place} ${problem}.`,
    fix: "Send well-formed text without NUL characters.",
  });
}
