import { WeftlineError, type ErrorCode } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";
import type { AgentCast } from "./cast.ts";
import type { FailingProvider } from "./contract.ts";

/** After so many failed runs in a row a provider counts as failing: one may be chance. */
const failingAfter = 3;

/** A failure as old as this says nothing about how the provider is now, in milliseconds. */
const forgottenAfterMs = 10 * 60_000;

/** How runs end that the provider failed; `standing` where that tells how it is, and not only what the request was. */
const providerCodes: Partial<Record<ErrorCode, "standing" | "request">> = {
  PROVIDER_AUTH: "standing",
  PROVIDER_RATE_LIMITED: "standing",
  PROVIDER_FAILED: "standing",
  PROVIDER_TIMEOUT: "standing",
  PROVIDER_UNREACHABLE: "standing",
  CONNECTION_LOST: "standing",
  STREAM_TRUNCATED: "standing",
  PROVIDER_REJECTED: "request",
};

/** Who is asked, and for which run. */
interface Asked {
  readonly runId: string;
  readonly cast: AgentCast;
}

/** Logs each run that its provider failed, and counts those in a row. */
export class ProviderFailures {
  readonly #log: Logger;
  readonly #failed = new Map<string, { readonly last: FailingProvider; readonly at: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Those that failed the last three runs or more. */
  failing(): readonly FailingProvider[] {
    const since = performance.now() - forgottenAfterMs;
    for (const [key, { at }] of this.#failed) if (at < since) this.#failed.delete(key);
    return [...this.#failed.values()].map(({ last }) => last).filter(({ failures }) => failures >= failingAfter);
  }

  /** Runs the turn of an agent and notes what its provider made of it. @throws what the turn throws */
  async watch<T>(asked: Asked, turn: () => Promise<T>): Promise<T> {
    try {
      const result = await turn();
      if (this.#failed.size > 0) this.#failed.delete(keyOf(asked.cast));
      return result;
    } catch (error) {
      if (error instanceof WeftlineError && error.code in providerCodes) this.#note(asked, error);
      throw error;
    }
  }

  #note({ runId, cast }: Asked, { code, fix, message, details }: WeftlineError): void {
    const { plugin, model } = cast;
    const provider = String(details["provider"] ?? model.provider);
    const url = publicAddress(model.baseURL);
    this.#log.warn({ runId, plugin, provider, url, code, fix }, `a provider failed a run: ${message}`);
    if (providerCodes[code] !== "standing" || model.provenance === "SIMULATED") return;
    const key = keyOf(cast);
    const failures = (this.#failed.get(key)?.last.failures ?? 0) + 1;
    this.#failed.delete(key);
    const address = url === undefined ? {} : { url };
    this.#failed.set(key, { last: { plugin, id: idOf(cast), provider, ...address, failures, code, fix }, at: performance.now() });
  }
}

const keyOf = (cast: AgentCast): string => JSON.stringify([cast.plugin, idOf(cast), cast.model.baseURL]);

/** Who is answered elsewhere has no binding. */
function idOf({ model, program }: AgentCast): string {
  return model.baseURL === "" ? program.agent.id : model.id;
}

/** An address without the credentials that its user part or its query may hold; nothing for what is no address. */
export function publicAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, host, protocol, pathname } = new URL(text);
  return `${origin === "null" ? `${protocol}//${host}` : origin}${pathname}`;
}
