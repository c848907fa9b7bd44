import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { beginStream, dataEvent, namedEvent, plainAnswers, providerServer, respondJson, type Behaviour } from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { Stage, ended, said, type RuntimeUnderTest } from "./stage.ts";

interface Fault {
  readonly name: string;
  readonly code: string;
  readonly behave: Behaviour;
}

/** Stands in every request, and in what the faulty provider says: it must turn up nowhere. */
const secret = "sk-conformance-KEEP-THIS-SECRET-0123456789";

function faultsOver(api: "responses" | "chat"): Fault[] {
  const { begin, text, done } = plainAnswers[api];
  const words = (code: string | null = null) => ({ error: { message: `Trouble with ${secret} here.`, type: "error", param: null, code } });
  const failing = { type: "error", code: "server_error", message: `Broken for ${secret}`, param: null };
  const event = api === "responses" ? namedEvent(failing) : `event: error\n${dataEvent(words(failing.code))}`;
  const stream =
    (bytes: string): Behaviour =>
    (response) => {
      beginStream(response);
      response.end(bytes);
    };
  return [
    { name: "status 401", code: "PROVIDER_AUTH", behave: respondJson(401, words()) },
    { name: "status 429", code: "PROVIDER_RATE_LIMITED", behave: respondJson(429, words(), { "retry-after-ms": "1" }) },
    { name: "status 500", code: "PROVIDER_FAILED", behave: respondJson(500, words()) },
    { name: "a stream that ends too soon", code: "STREAM_TRUNCATED", behave: stream(begin + text("Half an ") + done) },
    { name: "an error within the stream", code: "PROVIDER_FAILED", behave: stream(begin + text("Half an ") + event) },
  ];
}

/** What a provider does wrong over a real local server, and what has to come of it. */
export function faultChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  const { model = "responses" } = runtime;
  if (model === "none") return [];
  return [
    hangsUp(runtime, model),
    ...faultsOver(model).map(({ name, code, behave }) => ({
      name: `makes ${name} the failure ${code}, without the secret`,
      run: async () => {
        await using server = await providerServer(behave);
        await using stage = await Stage.set(runtime, { provider: { baseURL: server.baseURL, apiKey: secret }, tools: "none" });
        const run = await stage.until(await stage.start(said.hello), ended);
        const log = await stage.log(run);
        assert.deepEqual([run.status, run.failure?.code], ["FAILED", code], JSON.stringify(run.failure));
        assert.ok(server.seen.length > 0, "the provider was asked");
        assert.ok(JSON.stringify(server.seen.map(({ headers }) => headers)).includes(secret), "it was asked with the key");
        assert.ok(!JSON.stringify({ run, log }).includes(secret), "the key stands in no answer and no event");
        assert.ok((run.failure?.message ?? "").includes("provider"), "the failure names the provider");
        const open = await stage.openAfter(run);
        assert.deepEqual([open.messages, open.steps], [[], []]);
      },
    })),
  ];
}

/** Whoever cancels pays for nothing that is said afterwards. */
function hangsUp(runtime: RuntimeUnderTest, model: "responses" | "chat"): CheckSource {
  return {
    name: "hangs up on its provider within two seconds of a cancel",
    run: async () => {
      const { begin, text } = plainAnswers[model];
      await using server = await providerServer((response) => {
        beginStream(response);
        response.write(begin + text("Half an "));
      });
      await using stage = await Stage.set(runtime, { provider: { baseURL: server.baseURL, apiKey: secret }, tools: "none" });
      const id = await stage.start(said.hello);
      while (!(await stage.log({ id })).some(({ kind }) => kind === "message.delta")) await pause(10);
      await stage.cancel(id);
      const closed = await Promise.race([server.seen[0]?.closed, pause(2_000).then(() => "still open")]);
      assert.equal(closed, "cut");
      assert.equal((await stage.until(id, ended)).status, "CANCELLED");
    },
  };
}
