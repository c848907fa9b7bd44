import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../kernel/spec.ts";
import { csrfHeaders } from "./csrf.ts";
import { isLoopbackOrigin, refuseOrigin, type OriginRules } from "./origins.ts";

/** Origins of which it was logged that they were refused; more are refused without a word. */
const mostLogged = 100;

/** Decides which pages may call, and lets browsers read the answers of those that may. */
export class Cors {
  readonly #log: Logger;
  readonly #logged = new Set<string>();
  rules: OriginRules = { allowed: new Set(), hosts: "any", loopback: "calls" };

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Why a request may not come from where it comes, or nothing. A refused origin is logged once. */
  refusalOf({ headers }: IncomingMessage): string | undefined {
    const refusal = refuseOrigin(headers, this.rules);
    if (refusal !== undefined) this.#note(headers.origin, refusal);
    return refusal;
  }

  /** Lets pages of other origins read answers; `true` where the request was only their question whether they may. */
  send(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): boolean {
    const { origin, host } = request.headers;
    const isOwn = origin !== undefined && URL.parse(origin)?.host === host?.toLowerCase();
    if (origin !== undefined && !isOwn && this.#mayRead(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", "x-request-id, retry-after");
      response.setHeader("vary", "origin");
      if (request.method === "OPTIONS") {
        response.setHeader("access-control-allow-methods", methods.join(", "));
        response.setHeader("access-control-allow-headers", ["content-type", "authorization", "x-request-id", ...csrfHeaders].join(", "));
        response.setHeader("access-control-max-age", "600");
      }
    } else if (origin !== undefined && !isOwn) {
      this.#note(origin, "Browsers do not let pages of this origin read answers.");
    }
    if (request.method !== "OPTIONS") return false;
    response.writeHead(204).end();
    return true;
  }

  #mayRead(origin: string): boolean {
    return this.rules.allowed.has(origin) || (this.rules.loopback === "reads" && isLoopbackOrigin(origin));
  }

  #note(origin: string | undefined, problem: string): void {
    const shown = (origin ?? "").slice(0, 100);
    if (this.#logged.has(shown) || this.#logged.size >= mostLogged) return;
    this.#logged.add(shown);
    this.#log.warn({ origin: shown, setting: "server.origins" }, `${problem} Add the origin to server.origins to let its pages call.`);
  }
}
