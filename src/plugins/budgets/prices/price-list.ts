import type { calcPrice, findProvider, Provider } from "@pydantic/genai-prices";
import { nanosOf, type CallCost, type ModelBinding, type PricedCall } from "#weftline";
import type { BudgetsConfig } from "../config.ts";

/** What of the package is used. */
interface Table {
  readonly calcPrice: typeof calcPrice;
  readonly findProvider: typeof findProvider;
}

/** Counts past that are not believed of one model call. */
const mostTokens = 1_000_000_000;

/** Who says so: the configuration, or the table. */
const configured = "configuration";
const listed = "genai-prices";

/**
 * Prices of models: those of the configuration, then those of the packaged table, which is loaded at the first look and never fetched anew.
 *
 * A provider is one of the table where it has its id, or where its address is that of the binding; a server that only bears a model of the same name is not.
 */
export class PriceList {
  readonly #own: BudgetsConfig["prices"];
  readonly #addresses = new Map<string, string>();
  #table: Table | undefined;
  #loading: Promise<Table> | undefined;

  constructor(own: BudgetsConfig["prices"]) {
    this.#own = own;
  }

  get isReady(): boolean {
    return this.#table !== undefined;
  }

  /** Loads the table, and takes note of where a binding's calls go. */
  async prepare(binding?: Pick<ModelBinding, "provider" | "baseURL">): Promise<void> {
    if (binding) this.#addresses.set(binding.provider, binding.baseURL);
    this.#table ??= await (this.#loading ??= import("@pydantic/genai-prices"));
  }

  /** What a call cost, or would cost; nothing where that is not known. */
  priceOf(call: PricedCall): CallCost | undefined {
    const { inputTokens, outputTokens, cachedInputTokens: cached = 0 } = call;
    if (![inputTokens, outputTokens, cached].every(isCount)) return undefined;
    // What of the input was cached is part of it; a provider that says otherwise is charged as if nothing had been.
    const cachedInput = cached <= inputTokens ? cached : 0;
    return this.#ownPrice(call, cachedInput) ?? this.#listedPrice(call, cachedInput);
  }

  #ownPrice({ provider, model, inputTokens, outputTokens }: PricedCall, cached: number): CallCost | undefined {
    const price = this.#own[`${provider}/${model}`] ?? this.#own[`${provider}/*`];
    if (!price) return undefined;
    const millionths =
      BigInt(inputTokens - cached) * rate(price.input) +
      BigInt(cached) * rate(price.cachedInput ?? price.input) +
      BigInt(outputTokens) * rate(price.output);
    return costOf(Number((millionths + 500_000n) / 1_000_000n), configured);
  }

  #listedPrice({ provider: name, model, inputTokens, outputTokens }: PricedCall, cached: number): CallCost | undefined {
    const provider = this.#providerOf(name);
    if (!this.#table || !provider) return undefined;
    const usage = { input_tokens: inputTokens, output_tokens: outputTokens, ...(cached > 0 ? { cache_read_tokens: cached } : {}) };
    const price = this.#table.calcPrice(usage, model, { provider });
    // The table counts in fractions of a dollar: each call is rounded once, and sums are of whole nanos.
    return price === null ? undefined : costOf(Math.round(price.total_price * 1e9), listed);
  }

  #providerOf(name: string): Provider | undefined {
    const byName = this.#table?.findProvider({ providerId: name });
    if (byName?.id === name) return byName;
    const address = this.#addresses.get(name);
    return address === undefined ? undefined : this.#table?.findProvider({ providerApiUrl: address });
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0 && value <= mostTokens;

const rate = (amount: string): bigint => BigInt(nanosOf(amount) ?? 0);

function costOf(nanos: number, source: string): CallCost | undefined {
  return Number.isSafeInteger(nanos) && nanos >= 0 ? [nanos, source] : undefined;
}
