import assert from "node:assert/strict";
import { definePlugin } from "../../core/plugin.ts";
import { tools } from "../../core/runs/tools.ts";
import {
  beginStream,
  dataEvent,
  namedEvent,
  plainAnswers,
  providerServer,
  type Behaviour,
  type ProviderServer,
} from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { decide, declared } from "./features.ts";
import { Stage, ended, type RuntimeUnderTest } from "./stage.ts";
import { secret, type WireApi } from "./wire.ts";

/** An answer that asks for a tool, with what its model wants back, marked so that each is told from the others. */
function asking(api: WireApi, tool: string, mark: string): Behaviour {
  const call = { id: `call_${mark}`, name: tool, arguments: JSON.stringify({ text: "letter" }) };
  return (response) => {
    beginStream(response);
    response.end(api === "chat" ? chatAnswer(call, mark) : responsesAnswer(call, mark));
  };
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

function chatAnswer({ id, ...called }: Call, mark: string): string {
  const call = { index: 0, id, type: "function", function: called, extra_content: { google: { thought_signature: `SIG ${mark}` } } };
  const delta = { role: "assistant", content: null, reasoning_content: `Thought ${mark}`, tool_calls: [call] };
  return (
    dataEvent({ id: "c", choices: [{ index: 0, delta, finish_reason: null }] }) +
    dataEvent({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] })
  );
}

function responsesAnswer({ id, ...called }: Call, mark: string): string {
  const thought = { type: "reasoning", id: `rs_${mark}`, summary: [], encrypted_content: `SEALED ${mark}` };
  const call = { type: "function_call", id: `fc_${mark}`, call_id: id, ...called, status: "completed" };
  return namedEvent({ type: "response.completed", response: { id: "r", status: "completed", output: [thought, call] } });
}

const wanted: Readonly<Record<WireApi, (mark: string) => readonly string[]>> = {
  chat: (mark) => [`"reasoning_content":"Thought ${mark}"`, `"extra_content":{"google":{"thought_signature":"SIG ${mark}"}}`],
  responses: (mark) => [`"encrypted_content":"SEALED ${mark}"`],
};

function answering(api: WireApi): Behaviour {
  const { begin, text, end, done } = plainAnswers[api];
  return (response) => {
    beginStream(response);
    response.end(begin + text("Done.") + end + done);
  };
}

/** Whether what a model wants back with its calls outlives a wait and the process that heard it. */
export function extrasChecksOf(runtime: RuntimeUnderTest, api: WireApi): CheckSource[] {
  return [
    {
      name: "on the wire: thoughts and signatures go back as they came, also in another process after an approval",
      run: async () => {
        await using server = await providerServer((response, request) =>
          (server.seen.length === 1 ? asking(api, "conformance_send", "one") : answering(api))(response, request),
        );
        await using stage = await Stage.set(runtime, { bindings: bindingsOf(server, api) });
        const { tools: hasTools, interrupts, resume } = declared(stage, runtime);
        if (!hasTools || !interrupts || !resume) return;
        const id = await stage.start("Send it.");
        assert.equal((await stage.until(id, ["WAITING", ...ended])).status, "WAITING");
        await stage.app.restart();
        const [interrupt] = (await stage.until(id, ["WAITING"])).interrupts.nodes;
        await stage.mutate(decide, { input: { interrupt: interrupt?.id, kind: "APPROVE", argumentsHash: interrupt?.argumentsHash } });
        await assertDone(stage, id);
        assert.deepEqual(stage.effects.sent, ["letter"]);
        assertSentBack(server, api, "one");
      },
    },
    {
      name: "on the wire: thoughts and signatures outlive processes that are lost while a tool runs and while its model is asked again",
      run: async () => {
        const tool = hangingTool();
        let isHeld = false;
        await using server = await providerServer((response, request) => {
          const results = resultsIn(request.body);
          if (results === 0) return asking(api, "conformance_hang", "one")(response, request);
          if (results === 1) return asking(api, "conformance_echo", "two")(response, request);
          if (isHeld) return answering(api)(response, request);
          isHeld = true;
        });
        await using stage = await Stage.set(runtime, {
          bindings: bindingsOf(server, api),
          agent: { capabilities: ["conformance.hang", "conformance.echo"] },
          more: () => [tool.plugin()],
        });
        const { tools: hasTools, resume } = declared(stage, runtime);
        if (!hasTools || !resume) return;
        const id = await stage.start("Do both.");
        await stage.eventually("the tool runs", () => tool.calls() === 1);
        await stage.kill(id);
        await stage.eventually("the model is asked after both calls", () => isHeld);
        await stage.kill(id);
        await assertDone(stage, id);
        assert.equal(server.seen.length, 4, "an answer that is durable is not asked for again");
        assert.equal(tool.calls(), 2, "a call that was lost is made again");
        assert.deepEqual(stage.effects.heard, ["letter"], "a call whose result its model was shown is not made again");
        assertSentBack(server, api, "one");
        assertSentBack(server, api, "two");
      },
    },
  ];
}

function bindingsOf({ baseURL }: ProviderServer, api: WireApi) {
  return { provider: { baseURL, apiKey: secret, api, defaultModel: "model" } };
}

/** How many results of tools a request holds. */
function resultsIn(body: Readonly<Record<string, unknown>>): number {
  const items = [body["messages"] ?? body["input"]].flat() as readonly { readonly role?: string; readonly type?: string }[];
  return items.filter(({ role, type }) => role === "tool" || type === "function_call_output").length;
}

/** A tool whose first call never ends. */
function hangingTool() {
  let calls = 0;
  const plugin = definePlugin({
    id: "conformance-hang",
    description: "A tool that hangs.",
    setup: ({ contribute }) => {
      contribute(tools, "conformance.hang", {
        name: "conformance.hang",
        description: "Hangs at first.",
        inputSchema: { type: "object", properties: { text: { type: "string" } } },
        sideEffects: "NONE",
        approval: "NEVER",
        idempotent: true,
        timeoutMs: 60_000,
        execute: () => (++calls === 1 ? new Promise<never>(() => undefined) : { heard: true }),
      });
      return {};
    },
  });
  return { plugin, calls: () => calls };
}

async function assertDone(stage: Stage, id: string): Promise<void> {
  const run = await stage.until(id, ended);
  assert.deepEqual([run.status, run.text], ["SUCCEEDED", "Done."], JSON.stringify(run.failure));
}

function assertSentBack({ seen }: ProviderServer, api: WireApi, mark: string): void {
  const last = JSON.stringify(seen.at(-1)?.body);
  for (const words of wanted[api](mark)) assert.ok(last.includes(words), `the model is given ${words} in ${last.slice(0, 2_000)}`);
}
