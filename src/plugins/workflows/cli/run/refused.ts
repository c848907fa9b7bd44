import type { CliContext } from "#weftline";
import { runExitCodes } from "./exit.ts";

/** What is wrong, and where in the input. */
export interface InputProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** The result of a mutation: its payload, or why it was refused. */
export interface Refused {
  readonly __typename: string;
  readonly message?: string;
  readonly code?: string;
  readonly path?: readonly string[] | null;
  readonly issues?: readonly InputProblem[];
  readonly fix?: string | null;
}

/** What a step of the command came to: a value, or the code to exit with after everything was said. */
export type Outcome<T> = { readonly value: T; readonly exit?: undefined } | { readonly exit: number };

/** The problems that a refusal names; one at least. */
export function problemsOf({ issues, path, message = "It was refused." }: Refused): readonly InputProblem[] {
  return issues && issues.length > 0 ? issues : [{ path: path ?? [], message }];
}

/** What GraphQL says of a variable that its types do not take. */
const notTaken = /^Variable "\$input" got invalid value [^]*?(?: at "input\.([^"]*)")?; ([^]*)$/;

/**
 * An input that did not fit the graph's types, as a refusal with the place of each problem.
 *
 * @throws the error itself where it says something else.
 */
export function refusedInput(error: unknown): Refused {
  const { errors = [] } = error as { readonly errors?: readonly { readonly message: string }[] };
  const messages = errors.map(({ message }) => message);
  const issues = messages.flatMap((message) => {
    const [, place = "", words] = notTaken.exec(message) ?? [];
    return words === undefined ? [] : [{ path: `input.${place}`.split(/[.[\]]+/).filter((key) => key !== ""), message: words }];
  });
  if (issues.length === 0 || issues.length < messages.length) throw error;
  return { __typename: "InvalidInputError", code: "INVALID_INPUT", issues };
}

/** Says why a mutation was refused. @returns what to exit with. */
export function sayRefused({ say, paint }: Pick<CliContext, "say" | "paint">, refused: Refused): { readonly exit: number } {
  const { code, fix, __typename } = refused;
  for (const { path, message } of problemsOf(refused)) {
    const place = path[0] === "input" ? path.slice(1) : path;
    say(`${paint("red", "✗")} ${place.length === 0 ? "" : `${place.join(".")}: `}${message}${code === undefined ? "" : ` [${code}]`}`);
  }
  // What is not valid says so itself, field by field.
  if (fix && __typename !== "InvalidInputError") say(`  → ${fix}`);
  return { exit: ["InvalidInputError", "NotFoundError"].includes(__typename) ? runExitCodes.usage : runExitCodes.failed };
}
