import {
  beginStream,
  dataEvent,
  namedEvent,
  plainAnswers,
  providerServer,
  respondJson,
  type Behaviour,
  type ProviderServer,
  type SeenRequest,
} from "../../../src/testing/index.ts";
import { secret } from "./live.ts";

export const apis = ["chat", "responses"] as const;
export type Api = (typeof apis)[number];

/** What a provider does with one request after the other; the last for all that follow. */
export type Scenario = readonly [Behaviour, ...Behaviour[]];

/** An error as OpenAI words it. */
const says = (message: string, code: string | null = null) => ({ error: { message, type: "some_error", param: null, code } });

/** An answer that is complete. */
export function answers(api: Api, text = "All of it."): Behaviour {
  const { begin, text: delta, end, done } = plainAnswers[api];
  return (response) => {
    beginStream(response);
    response.end(begin + delta(text) + end + done);
  };
}

/** Begins an answer and leaves the rest to somebody else. */
export function begins(api: Api, then: Behaviour = () => undefined): Behaviour {
  const { begin, text } = plainAnswers[api];
  return (response, request) => {
    beginStream(response);
    response.write(begin + text("Half an "), () => void then(response, request));
  };
}

/** Goes on where {@link begins} stopped. */
export function completes(api: Api): Behaviour {
  const { text, end, done } = plainAnswers[api];
  return (response) => void response.end(text("answer.") + end + done);
}

/** What goes wrong, by name. */
export function faultsOf(api: Api) {
  const truncated = begins(api, (response) => void response.end(plainAnswers[api].done));
  const destroyed = begins(api, (response) => void setTimeout(() => response.destroy(), 50));
  const refused = respondJson(401, says(`Incorrect API key provided: ${secret}.`));
  const failed = respondJson(500, says(`Trouble with Bearer ${secret} here.`));
  const slowDown = (headers: Record<string, string>): Behaviour => respondJson(429, says(`Slow down, ${secret}.`), headers);
  const broken = { type: "error", code: "server_error", message: `Broken for ${secret}`, param: null };
  const breaks = begins(api, (response) => {
    response.end(api === "responses" ? namedEvent(broken) : `event: error\n${dataEvent(says(broken.message, broken.code))}`);
  });
  const silent: Behaviour = () => undefined;
  return {
    refused: [refused],
    "rejected request": [respondJson(400, says(`The model does not exist for ${secret}.`))],
    "spent quota": [respondJson(429, says("You exceeded your current quota.", "insufficient_quota"))],
    "one 429": [slowDown({ "retry-after": "2" }), answers(api)],
    "only 429": [slowDown({ "retry-after-ms": "100" })],
    "one 500": [failed, answers(api)],
    "only 500": [failed],
    "one silence": [silent, answers(api)],
    "only silence": [silent],
    "silence within": [begins(api)],
    "one truncated": [truncated, answers(api)],
    "only truncated": [truncated],
    "one destroyed": [destroyed, answers(api)],
    "only destroyed": [destroyed],
    "only broken": [breaks],
    "no JSON": [begins(api, (response) => void response.end('data: {"half":\n\n'))],
  } as const satisfies Record<string, Scenario>;
}

export type Fault = keyof ReturnType<typeof faultsOf>;

/** A provider that plays the scenario that a message names. */
export interface Stage extends AsyncDisposable {
  readonly baseURL: string;
  /** Adds a scenario. @returns the words that name it. */
  play(name: string, scenario: Scenario): string;
  /** The requests of a scenario so far, with when each came. */
  requests(words: string): readonly (SeenRequest & { readonly at: number })[];
  readonly all: readonly SeenRequest[];
}

export async function openStage(): Promise<Stage> {
  const scenarios = new Map<string, Scenario>();
  const seen = new Map<string, (SeenRequest & { readonly at: number })[]>();
  // The last ones: a request holds the whole conversation.
  const wordsIn = (request: SeenRequest): string =>
    JSON.stringify(request.body)
      .match(/Play: [^"\\.]+\./g)
      ?.at(-1) ?? "";
  const server: ProviderServer = await providerServer(async (response, request) => {
    const words = wordsIn(request);
    const before = seen.get(words) ?? [];
    seen.set(words, [...before, { ...request, at: performance.now() }]);
    const scenario = scenarios.get(words);
    const behave = scenario?.[Math.min(before.length, scenario.length - 1)] ?? respondJson(404, says(`There is no scenario ${words}`));
    await behave(response, request);
  });
  return {
    baseURL: server.baseURL,
    all: server.seen,
    play: (name, scenario) => {
      const words = `Play: ${name}.`;
      scenarios.set(words, scenario);
      return words;
    },
    requests: (words) => seen.get(words) ?? [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
