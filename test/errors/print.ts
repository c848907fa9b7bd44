import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GraphQLError, isInterfaceType } from "graphql";
import { errorCodes, WeftlineError, type ErrorCode, type ErrorKind } from "../../src/core/errors.ts";
import { publicError } from "../../src/core/graphql/masking.ts";
import { composePlatform } from "../../src/core/platform.ts";
import { recordingLog } from "../kernel/boot.ts";

export const errorsFile = join(import.meta.dirname, "../../docs/errors.md");

/** What each kind is for, in the order in which they are printed. */
const kinds: Readonly<Record<ErrorKind, readonly [title: string, about: string]>> = {
  boot: [
    "At boot",
    "Read in the terminal by whoever writes `plugins.config.ts` or a plugin. Each stands in a report that names the plugin and what mends it.",
  ],
  input: ["Wrong input", "The request cannot be right, whoever sends it and whenever."],
  unauthenticated: ["No valid viewer", "Nothing is answered to a caller who is not known."],
  forbidden: ["Not allowed", "The viewer is known, and may not."],
  notFound: ["Not found", "It does not exist, or it belongs to another: the two look the same."],
  conflict: ["In conflict with the present state", "The request is right, but not now."],
  rateLimited: ["Too much at once", "The same may succeed after a while; `retryAfter` says when, where it is known."],
  budget: ["Beyond a budget", "It may cost more than there is; the same works when there is more."],
  unavailable: ["Away", "A framework, a provider or the store is away. The same may succeed later."],
  internal: ["Bugs and broken promises", "A client sees INTERNAL and a `requestId`; the words stand in the log of the server."],
};

/** The catalogue as a document: what is written of clients is asked of the code that answers them. */
export async function printErrors(): Promise<string> {
  const typeOf = await mutationTypes();
  const sections = (Object.keys(kinds) as ErrorKind[]).map((kind) => {
    const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => errorCodes[code].kind === kind);
    const [title, about] = kinds[kind];
    const rows = codes.toSorted().map((code) => `| \`${code}\` | ${cell(errorCodes[code].says)} | ${cell(errorCodes[code].fix)} |`);
    return [
      `## ${title}`,
      `${about} ${seenAs(codes[0] as ErrorCode, typeOf(kind))}`,
      ["| Code | Says | What to do |", "| --- | --- | --- |", ...rows].join("\n"),
    ].join("\n\n");
  });
  return [
    "# Errors",
    "<!-- Printed by: node test/errors/print.ts. Do not edit. -->",
    "Every error that Weftline throws has a code. Words in braces are filled with what happened. Where an error may repeat a value, it is never a secret.",
    ...sections,
  ]
    .join("\n\n")
    .concat("\n");
}

function cell(text: string): string {
  return text.replaceAll("\n", " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** How a client meets an error: as the type of a mutation's result, or in the `errors` of an answer. */
function seenAs(code: ErrorCode, type: string | undefined): string {
  const seen = publicError(new WeftlineError(code), { requestId: "", log: recordingLog() });
  const { code: shown, http } = seen.extensions as { readonly code: string; readonly http: { readonly status: number } };
  const masked = shown !== code ? `\`${shown}\`` : "the code";
  const elsewhere = `\`extensions.code\` is ${masked}, and HTTP answers ${http.status} where the whole request is refused.`;
  if (errorCodes[code].kind === "boot") return "No client ever sees one.";
  return type === undefined
    ? `In the \`errors\` of an answer, ${elsewhere}`
    : `Mutations answer with \`${type}\`. In the \`errors\` of an answer, ${elsewhere}`;
}

/** The type of the graph by kind; none where an error of that kind is never data. */
async function mutationTypes(): Promise<(kind: ErrorKind) => string | undefined> {
  const { composition } = await composePlatform({ plugins: [], logLevel: "silent" });
  const type = composition.schema.getType("UserError");
  if (!isInterfaceType(type)) throw new GraphQLError("The graph has no UserError.");
  return (kind) => type.resolveType?.({ kind }, {} as never, {} as never, {} as never) as string | undefined;
}

if (process.argv[1] === import.meta.filename) writeFileSync(errorsFile, await printErrors());
