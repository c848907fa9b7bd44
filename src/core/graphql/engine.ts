import {
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  OverlappingFieldsCanBeMergedRule,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  type ParseOptions,
  type ValidationRule,
} from "graphql";
import { createYoga, type Plugin, type YogaServerInstance } from "graphql-yoga";
import type { Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import { uncaughtErrors } from "../process/uncaught-errors.ts";
import { AnswerBytes, countAnswers } from "./answer-bytes.ts";
import { DocumentCache } from "./document-cache.ts";
import type { GraphLimits } from "./limits.ts";
import { publicError, withoutHttp, type ErrorContext } from "./masking.ts";
import { OverlappingFieldsRule } from "./overlapping-fields.ts";
import { PreparationTime } from "./preparation-time.ts";
import { Responses, openResponses } from "./responses.ts";
import { Scope, authorizationService, type ScopeHost } from "./scope.ts";
import { serverCounters, type ServerCounters } from "./server-counters.ts";
import { SharedTexts } from "./shared-texts.ts";
import { Sizes, checkSize } from "./size.ts";
import { TextRule, checkTexts } from "./text.ts";

/** Who asks; what each transport hands to the pipeline. */
export interface Caller {
  /** Absent where no authenticator knew the caller: its operations are refused. */
  readonly viewer: Viewer | undefined;
  readonly requestId: string;
  /** The trace that the request is in. */
  readonly traceparent?: string | undefined;
  /**
   * Begins a stream, where nothing but the answer itself stays open for it.
   *
   * @returns what aborts when the caller may stay no longer: then the stream ends with UNAUTHENTICATED, idle as it may be.
   * @throws RATE_LIMITED or UNAVAILABLE where there is no place for it.
   */
  readonly stay?: () => AbortSignal;
}

/** An operation as a client states it. */
export interface OperationRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName?: string | null | undefined;
}

/** What an operation answers with: one result, or a stream of them. */
export type OperationOutcome = ExecutionResult | Responses;

export interface EngineOptions {
  readonly schema: GraphQLSchema;
  readonly host: ScopeHost;
  readonly limits: GraphLimits;
  readonly introspection: "on" | "off";
}

const maxValidationErrors = 5;
const noOperation = "operationName must name one operation of the document.";

/**
 * The one pipeline of all transports: parse, validate, execute, mask. HTTP and SSE run through {@link Engine.yoga}, sockets and
 * in-process calls through {@link Engine.prepare} and {@link Engine.run}; rules are hooks of the pipeline, so none holds on one only.
 */
export class Engine {
  readonly yoga: YogaServerInstance<Caller, object>;
  readonly #options: EngineOptions;
  readonly #enveloped;
  readonly #sizes = new Sizes();
  readonly #time = new PreparationTime();
  readonly #texts: SharedTexts;
  readonly #counters: ServerCounters;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#counters = options.host.use(serverCounters);
    countAnswers(options.schema);
    this.#texts = new SharedTexts(() => options.host.use(authorizationService));
    this.yoga = createYoga<Caller, object>({
      schema: options.schema,
      graphqlEndpoint: "/graphql",
      plugins: [this.#httpRules(), this.#rules()] as Plugin<object, Caller>[],
      // Errors are masked below, where the request is known.
      maskedErrors: false,
      // An error that is cached over a socket would be answered over HTTP without its status.
      parserAndValidationCache: { documentCache: new DocumentCache(), errorCache: { get: () => undefined, set: () => undefined } },
      // Bodies are read before, within the limit.
      maxRequestBodySize: false,
      batching: false,
      multipart: false,
      cors: false,
      graphiql: false,
      landingPage: false,
      logging: false,
    });
    this.#enveloped = this.yoga.getEnveloped({});
  }

  /** Parses and validates. Nothing is thrown: a document that does not pass is answered with its errors. */
  prepare(request: OperationRequest, caller: Caller): ExecutionArgs | readonly GraphQLError[] {
    const { schema } = this.#options;
    try {
      const { document, errors } = this.#timed(caller, () => {
        const parsed = this.#enveloped.parse(request.query) as DocumentNode;
        return { document: parsed, errors: this.#enveloped.validate(schema, parsed) as readonly GraphQLError[] };
      });
      if (errors.length > 0) return errors.map(withoutHttp);
      return {
        schema,
        document,
        operationName: request.operationName ?? null,
        variableValues: request.variables ?? {},
        contextValue: caller,
      };
    } catch (error) {
      return [withoutHttp(publicError(error, this.#reporting(caller)))];
    }
  }

  /** Counts against the viewer what preparing takes. Who is alone on a host waits for nobody but itself. */
  #timed<T>({ viewer }: Partial<Caller>, prepare: () => T): T {
    if (!viewer || this.#options.limits.requestsPerSecond === Infinity) return prepare();
    return this.#time.spend(JSON.stringify([viewer.tenantId, viewer.actorId]), prepare);
  }

  /** Both steps of an operation at once. */
  async start(request: OperationRequest, caller: Caller): Promise<OperationOutcome> {
    const prepared = this.prepare(request, caller);
    return "document" in prepared ? this.run(prepared) : { errors: prepared };
  }

  /** Runs what {@link Engine.prepare} let through. Nothing is thrown; a stream ends with the public form of its error. */
  async run(args: ExecutionArgs): Promise<OperationOutcome> {
    const outcome = await this.runOverHttp(args);
    return "errors" in outcome && outcome.errors ? { ...outcome, errors: outcome.errors.map(withoutHttp) } : outcome;
  }

  /** {@link Engine.run}, its errors with what only the HTTP transport reads from them. */
  async runOverHttp(args: ExecutionArgs): Promise<OperationOutcome> {
    try {
      const kind = getOperationAST(args.document, args.operationName)?.operation;
      const run = kind === "subscription" ? this.#enveloped.subscribe : this.#enveloped.execute;
      return (await run(args)) as OperationOutcome;
    } catch (error) {
      return { errors: [publicError(error, this.#reporting(args.contextValue as Caller))] };
    }
  }

  /** What holds on every transport. */
  #rules(): Plugin {
    const { limits, introspection } = this.#options;
    const parseLimited = (source: Parameters<typeof parse>[0], options?: ParseOptions): DocumentNode =>
      parse(source, { ...options, maxTokens: limits.tokens });
    const validateLimited = (
      schema: GraphQLSchema,
      document: DocumentNode,
      rules: readonly ValidationRule[] = specifiedRules,
    ): readonly GraphQLError[] => {
      const quick = rules.map((rule) => (rule === OverlappingFieldsCanBeMergedRule ? OverlappingFieldsRule : rule));
      try {
        return validate(schema, document, quick, { maxErrors: maxValidationErrors, hideSuggestions: true });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return [new GraphQLError("The document nests too deep to be validated.")];
      }
    };
    return {
      onParse: ({ context, setParseFn }) => {
        const timed: typeof parseLimited = (...args) => this.#timed(context as Partial<Caller>, () => parseLimited(...args));
        setParseFn(timed as never);
        return ({ result, replaceParseResult }) => {
          if (result instanceof Error) replaceParseResult(syntaxError(result));
        };
      },
      onValidate: ({ context, setValidationFn, addValidationRule }) => {
        addValidationRule(TextRule);
        if (introspection === "off") addValidationRule(NoSchemaIntrospectionCustomRule);
        const timed: typeof validateLimited = (...args) => this.#timed(context as Partial<Caller>, () => validateLimited(...args));
        setValidationFn(timed as never);
      },
      onExecute: ({ executeFn, setExecuteFn }) => setExecuteFn(((args: ExecutionArgs) => this.#runAs(args, executeFn as Run)) as never),
      onSubscribe: ({ setSubscribeFn }) =>
        setSubscribeFn(((args: ExecutionArgs) => this.#runAs(args, (scoped, stays) => this.#subscribe(scoped, stays))) as never),
    };
  }

  /** What concerns HTTP alone. */
  #httpRules(): Plugin<object, Caller> {
    return {
      // Proxies that buffer or change an event stream hold its events back.
      onResponse: ({ response }) => {
        if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return;
        response.headers.set("cache-control", "no-cache, no-transform");
        response.headers.set("x-accel-buffering", "no");
      },
      onResultProcess: ({ result, serverContext, setResult }) => {
        if (Array.isArray(result) || !("errors" in result) || !result.errors) return;
        setResult({ ...result, errors: result.errors.map((error) => withHttpCode(publicError(error, this.#reporting(serverContext)))) });
      },
    };
  }

  /** Runs an operation in a scope of its own: resolvers see that, not the transport's context. */
  async #runAs(args: ExecutionArgs, run: Run): Promise<OperationOutcome> {
    const { viewer, requestId, stay, traceparent } = args.contextValue as Caller;
    const reporting = this.#reporting({ requestId });
    try {
      if (!viewer) throw new WeftlineError("UNAUTHENTICATED");
      const operation = getOperationAST(args.document, args.operationName);
      if (!operation) throw new WeftlineError("INVALID_INPUT", { message: noOperation });
      this.#counters.operations[operation.operation]++;
      const variables = args.variableValues ?? {};
      checkTexts(variables);
      checkSize(this.#sizes.of({ ...args, variables }), this.#options.limits);
      const stays = operation.operation === "subscription" ? stay?.() : undefined;
      const { host } = this.#options;
      const scope = new Scope(host, viewer, requestId);
      scope.answer = this.#answerBytes();
      scope.traceparent = traceparent;
      const outcome = await host.use(uncaughtErrors).settle({ requestId }, () => run({ ...args, contextValue: scope }, stays));
      if (outcome instanceof Responses) return outcome;
      return scope.answer.isSpent ? { errors: [publicError(scope.answer.error, reporting)] } : maskResult(outcome, reporting);
    } catch (error) {
      return { errors: [publicError(error, reporting)] };
    }
  }

  #subscribe(args: ExecutionArgs, stays: AbortSignal | undefined): Promise<OperationOutcome> {
    const scope = args.contextValue as Scope;
    const reporting = this.#reporting(scope);
    return openResponses(args, {
      stays,
      shown: { result: (result) => this.#shownEvent(result, scope), error: (error) => publicError(error, reporting) },
      share: () => this.#texts.join(args, scope.viewer),
      counters: this.#counters,
    });
  }

  /** Each event of a stream is an answer of its own. */
  #shownEvent(result: ExecutionResult, scope: Scope): ExecutionResult {
    const { answer } = scope;
    if (answer?.isUnused) return maskResult(result, this.#reporting(scope));
    scope.answer = this.#answerBytes();
    return answer?.isSpent
      ? { errors: [withoutHttp(publicError(answer.error, this.#reporting(scope)))] }
      : maskResult(result, this.#reporting(scope));
  }

  #answerBytes(): AnswerBytes {
    return new AnswerBytes(this.#options.limits.responseBytes);
  }

  #reporting({ requestId }: Pick<Caller, "requestId">): ErrorContext {
    return { requestId, log: this.#options.host.log };
  }
}

type Run = (args: ExecutionArgs, stays?: AbortSignal) => OperationOutcome | Promise<OperationOutcome>;

function maskResult(result: ExecutionResult, context: ErrorContext): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map((error) => publicError(error, context)) } : result;
}

/** A document can nest so deep that the parser runs out of stack before it has counted too many tokens. */
function syntaxError(error: Error): Error {
  if (!(error instanceof GraphQLError || error instanceof RangeError)) return error;
  const known = error instanceof GraphQLError ? error : new GraphQLError("Syntax Error: Document nests too deep. Parsing aborted.");
  known.extensions["code"] = "GRAPHQL_PARSE_FAILED";
  known.extensions["http"] = { spec: true, status: 400 };
  return known;
}

/** Refusals of the HTTP layer that come without a code get the one of their status. */
function withHttpCode(error: GraphQLError): GraphQLError {
  const { http, code } = error.extensions as { http?: { status?: number }; code?: string };
  if (http?.status === 403 && (code === undefined || code === "INVALID_INPUT")) error.extensions["code"] = "FORBIDDEN";
  return error;
}
