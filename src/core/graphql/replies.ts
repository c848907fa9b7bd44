import type { ServerResponse } from "node:http";
import type { WeftlineError } from "../errors.ts";
import { extensionsOf, retryHeaders, statusOf } from "./masking.ts";

/** Answers with a document. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

/** Refuses a request as a whole, in the form in which the graph refuses an operation. */
export function sendError(response: ServerResponse, error: WeftlineError, requestId: string, status = statusOf(error)): void {
  for (const [name, value] of Object.entries(retryHeaders(error))) response.setHeader(name, value);
  sendJson(response, status, { errors: [{ message: error.message, extensions: extensionsOf(error, requestId) }] });
}
