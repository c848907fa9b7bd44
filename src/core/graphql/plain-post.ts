import type { IncomingMessage, ServerResponse } from "node:http";
import { getOperationAST, type ExecutionArgs, type ExecutionResult } from "graphql";
import { processRegularResult } from "graphql-yoga";
import type { Caller, Engine, OperationRequest } from "./engine.ts";

/** What a plain request is answered with: what it accepts first decides. */
const mediaTypes: Readonly<Record<string, string>> = {
  "": "application/json",
  "*/*": "application/json",
  "application/json": "application/json",
  "application/graphql-response+json": "application/graphql-response+json",
};
const plainJson = /^application\/json(?: *; *charset=utf-8)?$/i;

/**
 * Answers a query or a mutation that was posted as JSON, without a fetch request and response made for it. The rules of GraphQL over HTTP are
 * still Yoga's: it decides on status, headers and body of the result, and whatever is out of the ordinary (a document that does not pass, a
 * subscription, another media type, a parameter that it does not know) is left to it as a whole.
 *
 * @param body the parsed body.
 * @returns whether it was answered.
 */
export async function answerPlainPost(
  engine: Engine,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  body: unknown,
  caller: Caller,
): Promise<boolean> {
  const mediaType = plainMediaType(request);
  const operation = mediaType === undefined ? undefined : operationOf(body);
  if (mediaType === undefined || !operation) return false;
  const prepared = engine.prepare(operation, caller);
  if (!("document" in prepared) || !isPlain(prepared)) return false;
  send(response, (await engine.runOverHttp(prepared)) as ExecutionResult, mediaType);
  return true;
}

function plainMediaType({ method, url, headers }: IncomingMessage): string | undefined {
  if (method !== "POST" || url?.includes("?") || !plainJson.test(headers["content-type"] ?? "")) return undefined;
  const [first = ""] = (headers.accept ?? "").split(",", 1);
  return mediaTypes[first.trim().toLowerCase()];
}

/** The parameters, where they are the usual ones and of the right types. */
function operationOf(body: unknown): OperationRequest | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const { query, variables, operationName, extensions, ...others } = body as Readonly<Record<string, unknown>>;
  const known = typeof query === "string" && isObject(variables) && isObject(extensions) && isName(operationName);
  if (!known || Object.keys(others).length > 0) return undefined;
  return { query, variables: variables as OperationRequest["variables"], operationName };
}

function isObject(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && !Array.isArray(value));
}

function isName(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === "string";
}

function isPlain({ document, operationName }: ExecutionArgs): boolean {
  const kind = getOperationAST(document, operationName)?.operation;
  return kind === "query" || kind === "mutation";
}

/** What Yoga makes of a result, taken down instead of wrapped in a response of the fetch API. */
class Answered {
  readonly body: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: string, { status, headers }: Pick<Answered, "status" | "headers">) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

function send(response: ServerResponse, result: ExecutionResult, mediaType: string): void {
  const { body, status, headers } = processRegularResult(result, { Response: Answered } as never, mediaType) as unknown as Answered;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}
