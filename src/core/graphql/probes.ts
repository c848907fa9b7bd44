import type { IncomingMessage, ServerResponse } from "node:http";
import { watchReadiness } from "../database/readiness.ts";
import { WeftlineError } from "../errors.ts";
import { sendError, sendJson } from "./replies.ts";
import { hostHealth, type ScopeHost } from "./scope.ts";

/** What a probe needs to know of the server. */
export interface ProbeHost {
  readonly host: ScopeHost;
  isDraining(): boolean;
}

/**
 * Answers whoever watches the process: balancers, kubelets. Anybody may ask, so that each answer is one word, and however many ask, the database is
 * asked once a second.
 */
export class Probes {
  readonly #host: ProbeHost;
  readonly #isReady: () => Promise<boolean>;

  constructor(host: ProbeHost) {
    this.#host = host;
    this.#isReady = watchReadiness(host.host.database);
  }

  /** Whether a path is one of a probe. */
  has(path: string): boolean {
    return path === "/livez" || path === "/readyz" || path === "/healthz";
  }

  async answer(path: string, request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      const refusal = new WeftlineError("INVALID_INPUT", { message: "This answers to GET and HEAD only.", fix: "Use another method." });
      return sendError(response, refusal, requestId, 405);
    }
    const status = await this.#statusOf(path);
    sendJson(response, status === "UP" || status === "DEGRADED" ? 200 : 503, { status });
  }

  async #statusOf(path: string): Promise<"UP" | "DEGRADED" | "DOWN" | "DRAINING"> {
    // That this runs is the answer: a loop that stands still gives none, and whoever asks stops to wait.
    if (path === "/livez") return "UP";
    const { host, isDraining } = this.#host;
    if (isDraining()) return "DRAINING";
    if (path === "/readyz") return (await this.#isReady()) ? "UP" : "DOWN";
    return host.has(hostHealth) ? host.use(hostHealth).status() : "UP";
  }
}
