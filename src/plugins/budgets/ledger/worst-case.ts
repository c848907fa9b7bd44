import { boundOf } from "./input-bound.ts";

/** A request to a model, as far as it says what it may cost. */
export interface AskedModel {
  readonly model: string | undefined;
  /** No more tokens than this are read. */
  readonly input: number;
  /** What it asks for at most, of all answers together; nothing where it does not say. */
  readonly cap: number | undefined;
  /** How many answers. */
  readonly answers: number;
  /** Whether it is answered in tokens at all: embeddings are not. */
  readonly writes: boolean;
  /** Whether it can be sent with another cap. What is no JSON cannot. */
  readonly cappable: boolean;
  /** The request with another cap. */
  capped(output: number): string | undefined;
}

const caps = ["max_output_tokens", "max_completion_tokens", "max_tokens"] as const;

/** Reads a request. What is no JSON of one is taken for text of its length, and cannot be capped. */
export function readRequest(url: string, body: string | undefined): AskedModel {
  const path = new URL(url).pathname;
  const parsed = parse(body);
  const input = boundOf(body ?? "", parsed);
  if (!parsed) return { model: undefined, input, cap: undefined, answers: 1, writes: true, cappable: false, capped: () => undefined };
  const writes = !path.endsWith("/embeddings");
  const given = caps.flatMap((name) => (isCount(parsed[name]) ? [{ name, most: parsed[name] as number }] : []));
  const answers = isCount(parsed["n"]) ? Math.max(1, parsed["n"] as number) : 1;
  const field = given[0]?.name ?? fieldOf(path, url);
  return {
    model: typeof parsed["model"] === "string" ? parsed["model"] : undefined,
    input,
    cap: given.length === 0 ? undefined : Math.min(...given.map(({ most }) => most)),
    answers,
    writes,
    cappable: writes,
    capped: (output) => (writes ? JSON.stringify({ ...without(parsed, given), [field]: output }) : undefined),
  };
}

function parse(body: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function without(body: Readonly<Record<string, unknown>>, given: readonly { readonly name: string }[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !given.some((each) => each.name === name)));
}

/** OpenAI's newer models know the newer name alone, and other servers the older one. */
function fieldOf(path: string, url: string): (typeof caps)[number] {
  if (path.endsWith("/responses")) return "max_output_tokens";
  return /(^|\.)openai\.com$/.test(new URL(url).hostname) ? "max_completion_tokens" : "max_tokens";
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
