import assert from "node:assert/strict";
import { beginStream, dataEvent, namedEvent, plainAnswers, providerServer, type SeenRequest } from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { declared } from "./features.ts";
import { Stage, ended, openAfter, type RunShown, type RuntimeUnderTest } from "./stage.ts";
import { secret, type WireApi } from "./wire.ts";

/** Calls in a shape that providers really send. */
interface CallCase {
  readonly name: string;
  /** What the provider sends, request by request; "Done." after them. */
  readonly answers: readonly string[];
  /** The texts that the tool hears, each of which begins with `marker`. */
  readonly hears: readonly string[];
  readonly marker: string;
  /** What the last request holds besides. */
  readonly sent?: (body: string) => void;
}

const echo = "conformance_echo";
const args = (text: string): string => JSON.stringify({ text });
/** Deeper than any stack of a recursive copy. */
const deep = "[".repeat(50_000) + "]".repeat(50_000);

const longId = `call_${"0123456789".repeat(6)}`;

const chunk = (delta: unknown, reason: string | null = null): string =>
  dataEvent({ id: "c", choices: [{ index: 0, delta, finish_reason: reason }] });
const fragments = (...calls: readonly object[]): string => chunk({ tool_calls: calls.map((call) => ({ index: 0, ...call })) });
const called = chunk({}, "tool_calls");

const chatCalls: readonly CallCase[] = [
  {
    name: "calls without ids under one index are made apart",
    marker: "apart",
    hears: ["apart 1", "apart 2"],
    answers: [
      ["apart 1", "apart 2"]
        .map((text) => fragments({ id: "", type: "function", function: { name: echo, arguments: args(text) } }))
        .join("") + called,
    ],
  },
  {
    name: "a call whose name comes late is made",
    marker: "late",
    hears: ["late"],
    answers: [
      fragments({ id: "c1", type: "function", function: { name: "", arguments: "" } }) +
        fragments({ function: { name: echo, arguments: args("late") } }) +
        called,
    ],
  },
  {
    name: "a call of the legacy form is made",
    marker: "legacy",
    hears: ["legacy"],
    answers: [chunk({ function_call: { name: echo, arguments: args("legacy") } }) + chunk({}, "function_call")],
  },
  {
    name: "a call that the token limit cut is not made",
    marker: "cut",
    hears: [],
    answers: [fragments({ id: "c1", type: "function", function: { name: echo, arguments: args("cut") } }) + chunk({}, "length")],
  },
  {
    name: "answers that all have one id stay apart",
    marker: "same",
    hears: ["same 1", "same 2"],
    answers: ["same 1", "same 2"].map(
      (text) => chunk({ content: "I ask." }) + fragments({ id: `call ${text}`, function: { name: echo, arguments: args(text) } }) + called,
    ),
  },
  {
    name: "a call whose arguments nest 50,000 deep fails by itself",
    marker: "deep",
    hears: [],
    answers: [fragments({ id: "c1", type: "function", function: { name: echo, arguments: `{"text":${deep}}` } }) + called],
  },
  {
    name: "an id that is too long is sent back in a form that every provider takes",
    marker: "long",
    hears: ["long"],
    answers: [fragments({ id: longId, type: "function", function: { name: echo, arguments: args("long") } }) + called],
  },
  {
    name: "thoughts and signatures go back as they came",
    marker: "signed",
    hears: ["signed"],
    answers: [
      chunk({ role: "assistant", content: null, reasoning_content: "I need an echo." }) +
        fragments({
          id: "c1",
          function: { name: echo, arguments: args("signed") },
          extra_content: { google: { thought_signature: "SIG==" } },
        }) +
        called,
    ],
    sent: (body) => {
      assert.ok(body.includes('"reasoning_content":"I need an echo."'), "the thought goes back");
      assert.ok(body.includes('"extra_content":{"google":{"thought_signature":"SIG=="}}'), "the signature goes back");
    },
  },
];

const thought = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "ENCRYPTED==" };

const calling = (text: string, callId: string) => ({ type: "function_call", call_id: callId, name: echo, arguments: args(text) });

function ending(text: string, status: "completed" | "incomplete", callId: string, before: readonly object[] = []): string {
  const item = { ...calling(text, callId), id: "fc_1", status };
  const details = status === "incomplete" ? { incomplete_details: { reason: "max_output_tokens" } } : {};
  return namedEvent({ type: `response.${status}`, response: { id: "r", status, output: [...before, item], ...details } });
}

const responsesCalls: readonly CallCase[] = [
  {
    name: "a call that stands in the end alone is made, and its long id is sent back in a form that every provider takes",
    marker: "end",
    hears: ["end"],
    answers: [ending("end", "completed", longId)],
  },
  {
    name: "a call that the token limit cut is not made",
    marker: "cut",
    hears: [],
    answers: [ending("cut", "incomplete", "c1")],
  },
  {
    name: "calls of which all but the first stand in the end alone are made, each once",
    marker: "both",
    hears: ["both 1", "both 2"],
    answers: [
      namedEvent({ type: "response.output_item.added", output_index: 0, item: { ...calling("both 1", "c1"), arguments: "" } }) +
        namedEvent({ type: "response.function_call_arguments.delta", output_index: 0, delta: args("both 1") }) +
        ending("both 2", "completed", "c2", [calling("both 1", "c1")]),
    ],
  },
  {
    name: "calls whose events name no item are made apart",
    marker: "unnamed",
    hears: ["unnamed 1", "unnamed 2"],
    answers: [
      ["unnamed 1", "unnamed 2"]
        .map(
          (text) =>
            namedEvent({ type: "response.output_item.added", item: { ...calling(text, text), arguments: "" } }) +
            namedEvent({ type: "response.function_call_arguments.delta", delta: args(text) }) +
            namedEvent({ type: "response.output_item.done", item: calling(text, text) }),
        )
        .join("") + namedEvent({ type: "response.completed", response: { id: "r", status: "completed", output: [] } }),
    ],
  },
  {
    name: "an encrypted thought goes back before its call",
    marker: "thought",
    hears: ["thought"],
    answers: [ending("thought", "completed", "c1", [thought])],
    sent: (body) => {
      const [found, call] = [body.indexOf('"encrypted_content":"ENCRYPTED=="'), body.indexOf('"type":"function_call"')];
      assert.ok(found > 0 && found < call, "the encrypted thought stands before the call");
    },
  },
];

/** Calls in odd shapes, all played at once on one host. */
export function callChecksOf(runtime: RuntimeUnderTest, api: WireApi): CheckSource[] {
  const cases = api === "chat" ? chatCalls : responsesCalls;
  let playing: ReturnType<typeof playAll> | undefined;
  return cases.map((each) => ({
    name: `on the wire: ${each.name}`,
    run: async () => {
      const played = (await (playing ??= playAll(runtime, api, cases)))?.get(each);
      if (!played) return;
      if (played.status === "rejected") throw played.reason;
      assertMade(each, played.value);
    },
  }));
}

/** A run whose provider sent odd calls, and what was seen of it. */
interface Played {
  readonly run: RunShown;
  readonly left: ReturnType<typeof openAfter>;
  readonly heard: readonly string[];
  readonly last: SeenRequest | undefined;
}

/** @returns undefined where the framework has no tools. */
async function playAll(
  runtime: RuntimeUnderTest,
  api: WireApi,
  cases: readonly CallCase[],
): Promise<ReadonlyMap<CallCase, PromiseSettledResult<Played>> | undefined> {
  const { begin, text, end, done } = plainAnswers[api];
  const requests = new Map<CallCase | undefined, SeenRequest[]>();
  await using server = await providerServer((response, request) => {
    const body = JSON.stringify(request.body);
    const found = cases.find(({ marker }) => body.includes(`Wire: ${marker}.`));
    const before = requests.get(found) ?? [];
    requests.set(found, [...before, request]);
    beginStream(response);
    response.end(found?.answers[before.length] ?? begin + text("Done.") + end + done);
  });
  const bindings = { provider: { baseURL: server.baseURL, apiKey: secret, api, defaultModel: "model" } };
  await using stage = await Stage.set(runtime, { bindings });
  if (!declared(stage, runtime).tools) return undefined;
  const results = await Promise.allSettled(
    cases.map(async (each): Promise<Played> => {
      const run = await stage.until(await stage.start(`Wire: ${each.marker}.`), ended);
      const heard = stage.effects.heard.filter((words) => words.startsWith(each.marker));
      return { run, heard, left: openAfter(await stage.log(run)), last: requests.get(each)?.at(-1) };
    }),
  );
  return new Map(cases.map((each, index) => [each, results[index] as PromiseSettledResult<Played>]));
}

function assertMade({ hears, answers, sent }: CallCase, { run, left, heard, last }: Played): void {
  assert.deepEqual([run.status, run.text], ["SUCCEEDED", "Done."], JSON.stringify(run.failure));
  assert.deepEqual([left.messages, left.steps, left.calls], [[], [], []], "nothing is left open");
  assert.deepEqual(heard.toSorted(), hears, "what the tool heard");
  const { calls, results } = idsIn(last?.body ?? {});
  assert.equal(calls.length, Math.max(hears.length, answers.length), "the model sees each of its calls");
  assert.deepEqual(results, calls, "a call and its result have one id");
  assert.equal(new Set(calls).size, calls.length, "no two calls have one id");
  for (const id of calls) assert.ok(id.length > 0 && id.length <= 40, `an id of ${id.length} characters`);
  sent?.(JSON.stringify(last?.body));
}

/** What a request may hold that tells of calls, over either API. */
interface SentEntry {
  readonly type?: string;
  readonly call_id?: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string }[];
}

function idsIn(body: Record<string, unknown>): { readonly calls: readonly string[]; readonly results: readonly string[] } {
  const entries = (body["messages"] ?? body["input"] ?? []) as readonly SentEntry[];
  const idsOf = (type: string): readonly string[] => entries.flatMap((each) => (each.type === type && each.call_id ? [each.call_id] : []));
  return {
    calls: [...entries.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id)), ...idsOf("function_call")],
    results: [...entries.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id])), ...idsOf("function_call_output")],
  };
}
