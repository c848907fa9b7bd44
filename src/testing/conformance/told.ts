import assert from "node:assert/strict";
import { definePlugin } from "../../core/plugin.ts";
import { tools } from "../../core/runs/tools.ts";
import { chat } from "../../plugins/index.ts";
import { beginStream, plainAnswers, type Behaviour, type ProviderServer } from "../provider-server.ts";
import type { CheckSource } from "./check.ts";
import { decide, declared } from "./features.ts";
import { scriptedServer } from "./scripted-server.ts";
import { Stage, ended, said, script, type RunShown, type RuntimeUnderTest } from "./stage.ts";

const half = "Half of a sentence that";
const large = "Use conformance.large {}";
const ownScript = [
  { match: "conformance.large", toolCalls: [{ name: "conformance.large", arguments: {} }] },
  { match: "conformance.large", reply: "That was long." },
  ...script,
];

const largePlugin = definePlugin({
  id: "conformance-large",
  description: "A tool that answers more than anybody reads.",
  setup: ({ contribute }) => {
    contribute(tools, "conformance.large", {
      name: "conformance.large",
      description: "Answers at length.",
      inputSchema: { type: "object" },
      sideEffects: "NONE",
      approval: "NEVER",
      idempotent: true,
      timeoutMs: 5_000,
      execute: () => "long ".repeat(200_000),
    });
    return {};
  },
});

/** Whether a model is told what happened to the conversation outside of it, whatever the framework. */
export function toldChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  const { model = "responses" } = runtime;
  const isOnTheWire = model === "responses" || model === "chat";
  return [
    {
      name: "tells its model of an answer that was cut, a call that a person edited and a result that is too large",
      ...(isOnTheWire ? {} : { inapplicable: "what its model is told cannot be read" }),
      run: async () => {
        const api = model === "chat" ? "chat" : "responses";
        const instead: Behaviour[] = [];
        await using server = await scriptedServer(() => instead.shift(), ownScript);
        await using stage = await Stage.set(runtime, {
          bindings: { provider: { baseURL: server.baseURL, apiKey: "conformance", api, defaultModel: "model" } },
          agent: { capabilities: ["conformance.send", "conformance.large"] },
          more: () => [chat(), largePlugin()],
        });
        const { interrupts, resume } = declared(stage, runtime);
        const thread = await openThread(stage);

        instead.push(begun(api));
        const cut = await send(stage, thread, said.slow);
        await stage.speaking(cut);
        await stage.cancel(cut);
        await stage.until(cut, ended);
        instead.push(answering(api));
        await succeeded(stage, await send(stage, thread, said.hello));
        assertTold(server, half, "This answer is incomplete");

        if (interrupts && resume) {
          const edited = await send(stage, thread, said.send);
          await edit(stage, await stage.until(edited, ["WAITING", ...ended]));
          await succeeded(stage, edited);
          assertTold(server, "A person changed the arguments of this call", "postcard");
          instead.push(answering(api));
          await succeeded(stage, await send(stage, thread, said.hello));
          assertTold(server, "A person changed the arguments of this call", "postcard");
        }

        await succeeded(stage, await send(stage, await openThread(stage), large));
        assertTold(server, "long long", "The result was cut");
        assert.ok(JSON.stringify(server.seen.at(-1)?.body).length < 300_000, "a large result is no large request");
      },
    },
  ];
}

/** An answer that never ends. */
function begun(api: "responses" | "chat"): Behaviour {
  const { begin, text } = plainAnswers[api];
  return (response) => {
    beginStream(response);
    response.write(begin + text(half));
  };
}

function answering(api: "responses" | "chat"): Behaviour {
  const { begin, text, end, done } = plainAnswers[api];
  return (response) => {
    beginStream(response);
    response.end(begin + text("Seen.") + end + done);
  };
}

function openThread(stage: Stage): Promise<string> {
  return stage.mutate(
    "mutation ($input: CreateThreadInput!) { result: createThread(input: $input) { ... on CreateThreadPayload { made: thread { id } } ... on UserError { message } } }",
    { input: { agent: { name: "actor" } } },
  );
}

/** @returns the id of the run that answers. */
function send(stage: Stage, thread: string, text: string): Promise<string> {
  return stage.mutate(
    "mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessagePayload { made: run { id } } ... on UserError { message } } }",
    { input: { thread, text } },
  );
}

async function edit(stage: Stage, { status, interrupts }: RunShown): Promise<void> {
  assert.equal(status, "WAITING");
  const [interrupt] = interrupts.nodes;
  const decision = { kind: "EDIT", arguments: { text: "postcard" }, argumentsHash: interrupt?.argumentsHash };
  await stage.mutate(decide, { input: { interrupt: interrupt?.id, ...decision } });
}

async function succeeded(stage: Stage, id: string): Promise<void> {
  const run = await stage.until(id, ended);
  assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
}

function assertTold({ seen }: ProviderServer, ...words: readonly string[]): void {
  const told = JSON.stringify(seen.at(-1)?.body);
  for (const each of words) assert.ok(told.includes(each), `the model is told "${each}" in ${told.slice(0, 2_000)}`);
}
