import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { LoggedEvent } from "../../core/runs/events.ts";
import { beginStream, plainAnswers, providerServer, respondJson, type Behaviour, type SeenRequest } from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { declared } from "./features.ts";
import { oddAnswers } from "./odd-answers.ts";
import { extrasChecksOf } from "./extras.ts";
import { callChecksOf } from "./odd-calls.ts";
import { scriptedServer } from "./scripted-server.ts";
import { Stage, ended, openAfter, said, type RunShown, type RuntimeUnderTest } from "./stage.ts";
import { patienceMs, secret, wireCases, type WireApi, type WireCase } from "./wire.ts";

/** What a provider does wrong over a real local server, and what has to come of it. */
export function faultChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  const { model = "responses" } = runtime;
  const checks = onTheWire(runtime, model === "chat" ? "chat" : "responses");
  const because = { none: "it calls no model", simulated: "the simulated model answers within the process, over no wire" };
  return model === "none" || model === "simulated" ? checks.map((check) => ({ ...check, inapplicable: because[model] })) : checks;
}

function onTheWire(runtime: RuntimeUnderTest, api: WireApi): CheckSource[] {
  return [
    hangsUp(runtime, api),
    callsOnce(runtime, api),
    ...callChecksOf(runtime, api),
    ...extrasChecksOf(runtime, api),
    // Each on a host of its own: what is played at once is ended within the time of one check.
    ...answerChecksOf(runtime, api, [...wireCases(api), nobody]),
    ...answerChecksOf(runtime, api, oddAnswers(api)),
  ];
}

function answerChecksOf(runtime: RuntimeUnderTest, api: WireApi, cases: readonly WireCase[]): CheckSource[] {
  const playing: Playing = new Map(cases.map((each) => [each, Promise.withResolvers<Played>()]));
  // Whoever asks for one hears of its failure; nobody may ask.
  for (const { promise } of playing.values()) promise.catch(() => undefined);
  let all: Promise<void> | undefined;
  const played = (each: WireCase): Promise<Played> | undefined => {
    all ??= playAll(runtime, api, playing).catch((error: unknown) => {
      for (const { reject } of playing.values()) reject(error);
    });
    return playing.get(each)?.promise;
  };
  return cases.map((each) => ({
    name: nameOf(each),
    run: async () => {
      const outcome = await played(each);
      if (outcome) assertBecame(each, outcome);
    },
  }));
}

function nameOf({ name, becomes }: WireCase): string {
  if ("text" in becomes) return `on the wire: the answer survives ${name}`;
  return `on the wire: ${name} becomes the failure ${becomes.code}, without the secret`;
}

/** A case that needs no server. */
const nobody: WireCase = {
  name: "nobody at the address",
  becomes: { code: "PROVIDER_UNREACHABLE", asked: "again" },
  behave: () => undefined,
};

/** What becomes of each case, as soon as it is known. */
type Playing = ReadonlyMap<WireCase, PromiseWithResolvers<Played>>;

/** A run against a provider that does one thing, and what was seen of it. */
interface Played {
  readonly run: RunShown;
  readonly log: readonly LoggedEvent[];
  readonly requests: readonly SeenRequest[];
  /** How often a provider has to be asked whose failure may pass. */
  readonly tries: number;
}

/** Plays every case at once on one host: most of the time is the engine's waits between its tries. */
async function playAll(runtime: RuntimeUnderTest, api: WireApi, playing: Playing): Promise<void> {
  const cases = [...playing.keys()];
  const requests = new Map<string, SeenRequest[]>();
  await using server = await providerServer(async (response, request) => {
    const name = /Wire: ([^"\\.]+)\./.exec(JSON.stringify(request.body))?.[1] ?? "";
    const found = cases.find((each) => each.name === name);
    requests.set(name, [...(requests.get(name) ?? []), request]);
    await (found?.behave ?? respondJson(400, { error: { message: "No case is named." } }))(response, request);
  });
  const binding = { apiKey: secret, api, defaultModel: "model" };
  const bindings = {
    provider: { ...binding, baseURL: server.baseURL, timeoutMs: patienceMs.long },
    "provider-quick": { ...binding, baseURL: server.baseURL, timeoutMs: patienceMs.short },
    "provider-nobody": { ...binding, baseURL: `http://127.0.0.1:${await freePort()}/v1` },
  };
  await using stage = await Stage.set(runtime, { bindings, tools: "none" });
  const tries = declared(stage, runtime).resume ? 3 : 1;
  await stage.agent({ name: "quick", model: "provider-quick/model" });
  await stage.agent({ name: "nobody", model: "provider-nobody/model" });
  const actorOf = (each: WireCase): string => (each === nobody ? "nobody" : each.patience === "short" ? "quick" : "actor");
  const play = async (each: WireCase): Promise<Played> => {
    const id = await stage.start(`Wire: ${each.name}.`, { target: { agent: { name: actorOf(each) } } });
    const run = await stage.until(id, ended);
    const log = await stage.log(run);
    return { run, log, tries, requests: requests.get(each.name) ?? [] };
  };
  const settle = async (some: readonly WireCase[]): Promise<void> => {
    await Promise.all(some.map((each) => play(each).then(playing.get(each)?.resolve, playing.get(each)?.reject)));
  };
  const hurried = cases.filter(({ patience }) => patience);
  const whole = cases.filter(({ becomes, patience }) => "text" in becomes && !patience);
  const broken = cases.filter(({ becomes, patience }) => "code" in becomes && !patience);
  // Where the patience is short, not while all begins at once: it might end before the provider was asked.
  await Promise.all([settle(broken), settle(whole).then(() => settle(hurried))]);
}

function assertBecame(each: WireCase, { run, log, requests, tries }: Played): void {
  const open = openAfter(log);
  assert.deepEqual([open.messages, open.steps], [[], []], "nothing is left open");
  assert.ok(!JSON.stringify({ run, log }).includes(secret), "the key stands in no answer and no event");
  for (const { headers } of requests) assert.ok(headers.authorization?.includes(secret), "the provider is asked with the key");
  const { becomes } = each;
  if ("text" in becomes) {
    assert.deepEqual([run.status, run.text], ["SUCCEEDED", becomes.text], JSON.stringify(run.failure));
    return assert.equal(requests.length, 1, "the provider is asked once");
  }
  assert.deepEqual([run.status, run.failure?.code], ["FAILED", becomes.code], JSON.stringify(run.failure));
  assert.ok((run.failure?.message ?? "").includes("provider"), "the failure names the provider");
  assert.equal(run.text, null, "what was cut short is no answer");
  assert.equal(run.failure?.retryable, becomes.asked === "again", "whether it may pass");
  if (each !== nobody) assert.equal(requests.length, becomes.asked === "again" ? tries : 1, "how often the provider is asked");
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whoever cancels pays for nothing that is said afterwards. */
function hangsUp(runtime: RuntimeUnderTest, api: WireApi): CheckSource {
  return {
    name: "on the wire: a cancel hangs up on the provider within two seconds, before its answer and within it",
    run: async () => {
      const { begin, text } = plainAnswers[api];
      await using server = await providerServer((response, { body }) => {
        if (JSON.stringify(body).includes(said.slow)) return;
        beginStream(response);
        response.write(begin + text("Half an "));
      });
      const bindings = { provider: { baseURL: server.baseURL, apiKey: secret, api, defaultModel: "model" } };
      await using stage = await Stage.set(runtime, { bindings, tools: "none" });
      const within = await stage.start(said.hello);
      await stage.speaking(within);
      const before = await stage.start(said.slow);
      await stage.eventually("the provider is asked twice", () => server.seen.length === 2);
      await Promise.all([stage.cancel(within), stage.cancel(before)]);
      const closed = Promise.all(server.seen.map((request) => request.closed));
      assert.deepEqual(await Promise.race([closed, freeTime(2_000)]), ["cut", "cut"]);
      for (const id of [within, before]) assert.equal((await stage.until(id, ended)).status, "CANCELLED");
    },
  };
}

/** Milliseconds in which the event loop turned: a busy machine, on which each turn takes longer, has as many of them. */
async function freeTime(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 20) await pause(20);
}

/** What a tool did is done, whatever becomes of the model call after it. */
function callsOnce(runtime: RuntimeUnderTest, api: WireApi): CheckSource {
  return {
    name: "on the wire: a connection that breaks behind a tool's answer has the model asked again, and not the tool",
    run: async () => {
      const { begin, text } = plainAnswers[api];
      const breaks: Behaviour = (response) => {
        beginStream(response);
        response.write(begin + text("Half an "), () => setTimeout(() => response.destroy(), 20));
      };
      await using server = await scriptedServer((n) => (n === 2 ? breaks : undefined));
      const bindings = { provider: { baseURL: server.baseURL, apiKey: secret, api, defaultModel: "model" } };
      await using stage = await Stage.set(runtime, { bindings });
      const { tools, resume } = declared(stage, runtime);
      const run = await stage.play(said.echo);
      const log = await stage.log(run);
      const open = openAfter(log);
      assert.deepEqual([open.messages, open.steps, open.calls], [[], [], []], "nothing is left open");
      if (!tools) return;
      assert.deepEqual(stage.effects.heard, ["thread"], "the tool runs once");
      assert.equal(log.filter(({ kind }) => kind === "tool.requested").length, 1, "it is asked for once");
      if (resume)
        assert.deepEqual([run.status, run.text, server.seen.length], ["SUCCEEDED", "The tool was heard.", 3], JSON.stringify(run.failure));
      else assert.equal(run.failure?.code, "CONNECTION_LOST");
    },
  };
}
