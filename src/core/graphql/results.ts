import { asWeftlineError, type ErrorCode, type ErrorDetails, WeftlineError, type ErrorKind } from "../errors.ts";
import { partsOf, type GraphBuilder, type GraphTypes } from "./builder.ts";

const typeOfKind = {
  input: "InvalidInputError",
  notFound: "NotFoundError",
  conflict: "ConflictError",
  forbidden: "ForbiddenError",
  unavailable: "UnavailableError",
  rateLimited: "RateLimitedError",
  budget: "BudgetExceededError",
} as const satisfies Partial<Record<ErrorKind, string>>;

type UserErrorKind = keyof typeof typeOfKind;

/** A failure as a value. It is no `Error`: whatever executes a graph throws those that a resolver returns. */
class ExpectedFailure implements Pick<WeftlineError, "kind" | "code" | "message" | "details" | "fix"> {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly fix: string;

  constructor({ kind, code, message, details, fix }: WeftlineError) {
    this.kind = kind;
    this.code = code;
    this.message = message;
    this.details = details;
    this.fix = fix;
  }
}

/** The type key of `InputIssue`: one field of an input that is wrong. */
export class InputIssue {
  declare readonly path: readonly string[];
  declare readonly message: string;
}

const everyMutation: readonly UserErrorKind[] = ["input", "notFound", "forbidden", "rateLimited"];

/** Defines `UserError` and its types; the core does so once a builder. */
export function addUserErrors(builder: GraphBuilder): void {
  const UserError = builder.interfaceRef<ExpectedFailure>("UserError").implement({
    description: "An expected failure, returned as data. Bugs are masked errors with extensions.code and extensions.requestId.",
    resolveType: (error) => typeOfKind[error.kind as UserErrorKind],
    fields: (t) => ({
      message: t.string({ nullable: false, description: "What happened, for people.", resolve: (error) => error.message }),
      code: t.string({
        nullable: false,
        description: "What happened, for programs; docs/errors.md lists the codes.",
        resolve: (error) => error.code,
      }),
      path: t.stringList({
        description: 'The argument at fault, as in ["input", "name"].',
        resolve: (error) => (error.details.path ? [...error.details.path] : null),
      }),
      fix: t.string({ description: "What the reader can do about it.", resolve: (error) => error.fix }),
    }),
  });
  builder.objectType(InputIssue, {
    name: "InputIssue",
    description: "One field of an input that is wrong.",
    fields: (t) => ({
      path: t.stringList({ nullable: false, description: "The field, from the argument down.", resolve: (issue) => [...issue.path] }),
      message: t.exposeString("message", { nullable: false, description: "What is wrong with it." }),
    }),
  });
  const define = (name: string, description: string) =>
    builder.objectRef<ExpectedFailure>(name).implement({ description, interfaces: [UserError] });

  const byKind: Record<Exclude<UserErrorKind, "budget">, unknown> = {
    input: builder.objectRef<ExpectedFailure>("InvalidInputError").implement({
      description: "The input is wrong; issues names the fields.",
      interfaces: [UserError],
      fields: (t) => ({
        issues: t.field({
          type: [InputIssue],
          nullable: false,
          description: "Each field that is wrong.",
          resolve: (error) => issuesOf(error),
        }),
      }),
    }),
    notFound: define("NotFoundError", "There is no such object, or it belongs to another."),
    conflict: define("ConflictError", "The present state does not allow it."),
    forbidden: define("ForbiddenError", "The viewer may not do it."),
    unavailable: define("UnavailableError", "A framework, provider or store is away; fix says what brings it back."),
    rateLimited: builder.objectRef<ExpectedFailure>("RateLimitedError").implement({
      description: "Too much at once.",
      interfaces: [UserError],
      fields: (t) => ({
        retryAfter: t.field({
          type: "Duration",
          description: "How long to wait before another try.",
          resolve: (error) => error.details.retryAfterMs ?? null,
        }),
      }),
    }),
  };
  for (const [kind, ref] of Object.entries(byKind)) partsOf(builder).errorTypes.set(kind, ref);
  partsOf(builder).errorTypes.set("interface", UserError);
}

/** An expected failure, as the fields of its type see it. */
export type UserFailure = Pick<WeftlineError, "code" | "message" | "details">;

/** Defines the type of BUDGET_EXCEEDED, for the plugin that has budgets: without it, no union has that. */
export function addBudgetError(
  builder: GraphBuilder,
  options: { readonly description: string; readonly fields: PothosSchemaTypes.ObjectTypeOptions<GraphTypes, UserFailure>["fields"] },
): void {
  const { errorTypes } = partsOf(builder);
  const interfaces = [errorTypes.get("interface")] as never;
  errorTypes.set("budget", builder.objectRef<UserFailure>(typeOfKind.budget).implement({ ...options, interfaces } as never));
}

function issuesOf(error: ExpectedFailure): readonly InputIssue[] {
  return error.details.issues ?? [{ path: error.details.path ?? [], message: error.message }];
}

type PayloadFields<Payload extends object> = PothosSchemaTypes.ObjectTypeOptions<GraphTypes, Payload>["fields"];

/** A mutation's result: its union type, and what turns an outcome into it. */
export interface ResultType<Payload> {
  readonly type: ReturnType<GraphBuilder["unionType"]>;
  /** Runs the work; an expected failure becomes data, any other is thrown on. */
  attempt(work: () => Promise<Payload>): Promise<never>;
}

/**
 * Defines `<Name>Payload` and the union `<Name>Result`: the payload, the errors that every mutation can have, and the kinds named.
 *
 * @example
 * const result = resultType<{ agent: Agent }>(builder, "CreateAgent", {
 *   errors: ["conflict"],
 *   fields: (t) => ({ agent: t.field({ type: Agent, nullable: false, resolve: (payload) => payload.agent }) }),
 * });
 */
export function resultType<Payload extends object>(
  builder: GraphBuilder,
  name: string,
  options: { readonly errors?: readonly UserErrorKind[]; readonly fields: PayloadFields<Payload> },
): ResultType<Payload> {
  const { errorTypes } = partsOf(builder);
  const kinds = [...new Set([...everyMutation, ...(options.errors ?? [])])];
  const unknown = kinds.find((kind) => kind !== "budget" && !errorTypes.has(kind));
  if (unknown !== undefined) throw unknownKind(name, unknown, [...errorTypes.keys()]);
  const payload = builder
    .objectRef<Payload>(`${name}Payload`)
    .implement({ description: `What ${fieldName(name)} did.`, fields: options.fields as never });
  const type = builder.unionType(`${name}Result`, {
    description: `What ${fieldName(name)} did, or why it did not.`,
    // Of those that plugins define some come later.
    types: (() => [payload, ...kinds.flatMap((kind) => errorTypes.get(kind) ?? [])]) as never,
    resolveType: (value: unknown) => (value instanceof ExpectedFailure ? typeOfKind[value.kind as UserErrorKind] : `${name}Payload`),
  });
  return {
    type: type as never,
    attempt: async (work) => {
      try {
        return (await work()) as never;
      } catch (error) {
        const known = asWeftlineError(error);
        if (kinds.includes(known.kind as UserErrorKind)) return new ExpectedFailure(known) as never;
        throw error;
      }
    },
  };
}

function unknownKind(name: string, kind: string, known: readonly string[]): WeftlineError {
  const message = `the result "${name}" names an error kind "${kind}"; there are: ${known.join(", ")}.`;
  return new WeftlineError("PLUGIN_TYPE_CLASH", { message });
}

function fieldName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
