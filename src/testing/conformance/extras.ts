import assert from "node:assert/strict";
import { beginStream, dataEvent, namedEvent, plainAnswers, providerServer, type SeenRequest } from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { decide, declared } from "./features.ts";
import { Stage, ended, type RuntimeUnderTest } from "./stage.ts";
import { secret, type WireApi } from "./wire.ts";

const call = { id: "c1", name: "conformance_send", arguments: JSON.stringify({ text: "letter" }) };
const thought = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "ENCRYPTED==" };

/** A call that has to be approved, with what its model wants back. */
const asking: Readonly<Record<WireApi, string>> = {
  chat:
    dataEvent({
      id: "c",
      choices: [
        {
          index: 0,
          delta: {
            role: "assistant",
            content: null,
            reasoning_content: "I need to send.",
            tool_calls: [
              {
                index: 0,
                id: call.id,
                type: "function",
                function: { name: call.name, arguments: call.arguments },
                extra_content: { google: { thought_signature: "SIG==" } },
              },
            ],
          },
          finish_reason: null,
        },
      ],
    }) + dataEvent({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] }),
  responses: namedEvent({
    type: "response.completed",
    response: {
      id: "r",
      status: "completed",
      output: [
        thought,
        { type: "function_call", id: "fc_1", call_id: call.id, name: call.name, arguments: call.arguments, status: "completed" },
      ],
    },
  }),
};

const wanted: Readonly<Record<WireApi, readonly string[]>> = {
  chat: ['"reasoning_content":"I need to send."', '"extra_content":{"google":{"thought_signature":"SIG=="}}'],
  responses: ['"encrypted_content":"ENCRYPTED=="'],
};

/** Whether what a model wants back with its calls outlives a wait and the process that heard it. */
export function extrasChecksOf(runtime: RuntimeUnderTest, api: WireApi): CheckSource[] {
  return [
    {
      name: "on the wire: thoughts and signatures go back as they came, also in another process after an approval",
      run: async () => {
        const { begin, text, end, done } = plainAnswers[api];
        const seen: SeenRequest[] = [];
        await using server = await providerServer((response, request) => {
          seen.push(request);
          beginStream(response);
          response.end(seen.length === 1 ? asking[api] : begin + text("Done.") + end + done);
        });
        const bindings = { provider: { baseURL: server.baseURL, apiKey: secret, api, defaultModel: "model" } };
        await using stage = await Stage.set(runtime, { bindings });
        const { tools, interrupts, resume } = declared(stage, runtime);
        if (!tools || !interrupts || !resume) return;
        const id = await stage.start("Send it.");
        assert.equal((await stage.until(id, ["WAITING", ...ended])).status, "WAITING");
        await stage.app.restart();
        const [interrupt] = (await stage.until(id, ["WAITING"])).interrupts.nodes;
        await stage.mutate(decide, { input: { interrupt: interrupt?.id, kind: "APPROVE", argumentsHash: interrupt?.argumentsHash } });
        const run = await stage.until(id, ended);
        assert.deepEqual([run.status, run.text], ["SUCCEEDED", "Done."], JSON.stringify(run.failure));
        assert.deepEqual(stage.effects.sent, ["letter"]);
        const last = JSON.stringify(seen.at(-1)?.body);
        for (const words of wanted[api]) assert.ok(last.includes(words), `the model is given ${words} in ${last.slice(0, 2_000)}`);
      },
    },
  ];
}
