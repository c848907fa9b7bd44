import { beginStream, dataEvent, providerServer, type ProviderServer } from "../../../src/testing/index.ts";

/** What a model is asked, whichever engine asks: who it is, what it is to do, and what came back so far. */
export interface Asked {
  /** Of the agent that asks, as in "You are {role}."; `Guardrail Agent` for a check. */
  readonly role: string;
  /** The first user message: the task. */
  readonly prompt: string;
  /** The last user message: the same, or what a person wished. */
  readonly last: string;
  /** What tools answered so far. */
  readonly results: readonly string[];
  readonly tools: readonly string[];
}

export type Said = string | { readonly calls: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[] };

interface Message {
  readonly role: string;
  readonly content: string;
}

interface Body {
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

export interface TestModel extends AsyncDisposable {
  readonly baseURL: string;
  /** In the order in which they came. */
  readonly asked: readonly Asked[];
  /** Bodies as they came, for what an engine writes. */
  readonly server: ProviderServer;
}

/** A provider that answers each request by what it is about. */
export async function testModel(answer: (asked: Asked) => Said | Promise<Said>): Promise<TestModel> {
  const asked: Asked[] = [];
  const server = await providerServer(async (response, { body }) => {
    const each = askedBy(body as unknown as Body);
    asked.push(each);
    const said = await answer(each);
    const chunk = { id: "chatcmpl_1", object: "chat.completion.chunk", created: 1, model: "m" };
    const choice = (delta: object, finish: string | null) => dataEvent({ ...chunk, choices: [{ index: 0, delta, finish_reason: finish }] });
    beginStream(response);
    if (typeof said === "string") for (const word of said.match(/\S+\s*/g) ?? []) response.write(choice({ content: word }, null));
    else response.write(choice({ tool_calls: said.calls.map(callOf) }, null));
    response.write(choice({}, typeof said === "string" ? "stop" : "tool_calls"));
    response.end(
      dataEvent({ ...chunk, choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }) + "data: [DONE]\n\n",
    );
  });
  return { baseURL: server.baseURL, asked, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function callOf({ name, arguments: args }: { readonly name: string; readonly arguments: object }, index: number) {
  return { index, id: `call_${index}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

function askedBy({ messages, tools = [] }: Body): Asked {
  const user = messages.filter(({ role }) => role === "user");
  return {
    role: /^You are ([^.]+)\./.exec(messages.find(({ role }) => role === "system")?.content ?? "")?.[1] ?? "",
    prompt: user[0]?.content ?? "",
    last: user.at(-1)?.content ?? "",
    results: messages.filter(({ role }) => role === "tool").map(({ content }) => content),
    tools: tools.map((tool) => tool.function.name),
  };
}
