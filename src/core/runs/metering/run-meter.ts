import { WeftlineError } from "../../errors.ts";
import type { Run } from "../entities/run.ts";
import type { ProgramEventBody } from "../events.ts";
import { charactersPerToken as bytesPerToken } from "../history/tokens.ts";
import type { Questions } from "../questions.ts";
import type { ModelBinding } from "../runtime.ts";
import type { RunSession } from "../session.ts";
import { callHeader, type AdmittedCall, type ModelMeter, type ModelRequest } from "./meter.ts";

/** What a turn's meter is made of. */
export interface RunMeterOptions {
  readonly meter: ModelMeter | undefined;
  readonly run: Run;
  readonly session: RunSession;
  readonly questions: Questions;
}

/** A call that was admitted and of which nothing was recorded yet. */
interface OpenCall extends AdmittedCall {
  readonly provenance: ModelBinding["provenance"];
}

/** A request on its way. */
interface Asked {
  readonly binding: ModelBinding;
  readonly input: Parameters<typeof fetch>[0];
  readonly init: RequestInit | undefined;
}

/** A budget that a person may lift. */
interface Pause {
  readonly budget: string;
  readonly message: string;
  readonly expiresInMs?: number;
}

/**
 * Stands before every request that a turn makes of a model, whichever framework makes it, since all of them go through the binding's `fetch`; and sees
 * to it that whatever was admitted is recorded or given back.
 */
export class RunMeter {
  readonly #options: RunMeterOptions;
  readonly #open = new Map<string, OpenCall>();
  #refused: unknown;
  #heard = 0;

  constructor(options: RunMeterOptions) {
    this.#options = options;
  }

  /** Why a request of this turn was refused here, whatever its framework made of that. */
  get refused(): unknown {
    return this.#refused;
  }

  /** The binding, with every request of it under the meter. */
  metered(binding: ModelBinding): ModelBinding {
    if (!this.#options.meter || binding.baseURL === "") return binding;
    return { ...binding, fetch: (input, init) => this.#fetch({ binding, input, init }) };
  }

  /** Records what a lost process was asking: what may have been spent counts. */
  async recover(): Promise<void> {
    const { meter, run, session } = this.#options;
    for (const used of (await meter?.lost(run.id)) ?? []) session.say({ kind: "usage.recorded", estimated: true, ...used });
  }

  /** Takes note of what an adapter says. @returns the tokens of a call with the call's name. */
  heard(body: ProgramEventBody): ProgramEventBody {
    if (this.#open.size === 0) return body;
    if (body.kind === "message.delta" && typeof body.text === "string") this.#heard += Buffer.byteLength(body.text);
    if (body.kind !== "usage.recorded") return body;
    const call = body.call ?? this.#oldestOf(body.model);
    if (call === undefined || !this.#open.delete(call)) return body;
    this.#heard = 0;
    return { ...body, call };
  }

  /** Records what is open when an attempt ends, as an estimate: its provider was asked, and what it did with that nobody knows. */
  abandon(): void {
    const open = [...this.#open.values()];
    const heard = Math.ceil(this.#heard / bytesPerToken);
    this.#open.clear();
    this.#heard = 0;
    for (const [index, { call, provider, model, provenance, inputTokens }] of open.entries()) {
      const used = { inputTokens, outputTokens: index === 0 ? heard : 0, estimated: true };
      this.#options.session.say({ kind: "usage.recorded", call, provider, model, provenance, ...used });
    }
  }

  /** Adapters that do not say which call it was make one at a time, mostly. */
  #oldestOf(model: string): string | undefined {
    const calls = [...this.#open.values()];
    return (calls.find((each) => each.model === model) ?? calls[0])?.call;
  }

  async #fetch(asked: Asked): Promise<Response> {
    const { binding, input, init } = asked;
    const ask = binding.fetch ?? globalThis.fetch;
    const admitted = await this.#admit(asked);
    if (!admitted) return ask(input, init);
    const { call, body } = admitted;
    this.#open.set(call, { ...admitted, provenance: binding.provenance });
    let response: Response;
    try {
      response = await ask(input, body === undefined ? init : { ...init, body });
    } catch (error) {
      if (isUnsent(error)) await this.#free(call);
      throw error;
    }
    if (!response.ok) await this.#free(call);
    const headers = new Headers(response.headers);
    headers.set(callHeader, call);
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  }

  async #admit({ binding, input, init }: Asked): Promise<AdmittedCall | undefined> {
    const { run, questions } = this.#options;
    const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    const request = { run, binding, url, body: typeof init?.body === "string" ? init.body : undefined };
    try {
      for (let approvals: readonly string[] = []; ;) {
        const admitted = await this.#try({ ...request, approvals });
        if (!(admitted instanceof WeftlineError)) return admitted;
        const given = questions.askForBudget({ ...(admitted.details["pause"] as Pause), tried: approvals });
        approvals = [...new Set([...approvals, ...given])];
      }
    } catch (error) {
      this.#refused ??= error;
      throw error;
    }
  }

  /** @returns the refusal where a person may lift it */
  async #try(request: ModelRequest): Promise<AdmittedCall | WeftlineError | undefined> {
    try {
      return await this.#options.meter?.admit(request);
    } catch (error) {
      if (error instanceof WeftlineError && error.code === "BUDGET_EXCEEDED" && error.details["pause"] !== undefined) return error;
      throw error;
    }
  }

  async #free(call: string): Promise<void> {
    if (this.#open.delete(call)) await this.#options.meter?.release(call);
  }
}

/** Errors of a connection that never stood: the provider heard nothing. */
const unsent: readonly unknown[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

function isUnsent(error: unknown): boolean {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++)
    if ("code" in each && unsent.includes(each.code)) return true;
  return false;
}
