import type { ServerResponse } from "node:http";
import type { WeftlineError } from "../errors.ts";
import { publicCode, statusOfKind } from "./masking.ts";

/** Answers with a document. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

/** Refuses a request as a whole, in the form in which the graph refuses an operation. */
export function sendError(
  response: ServerResponse,
  error: WeftlineError,
  requestId: string,
  status = statusOfKind[error.kind] ?? 500,
): void {
  sendJson(response, status, {
    errors: [{ message: error.message, extensions: { code: publicCode(error), fix: error.fix, requestId } }],
  });
}
