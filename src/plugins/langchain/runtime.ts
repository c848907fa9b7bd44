import type * as LangChain from "langchain";
import type { AgentRuntime, Models, RunContext, RunEventBody, RunRequest } from "#weftline";
import { isAnswered, limitReached, loadFiles, nextModelCall, nothingToAnswer, settled, standingOn } from "#plugins/openai";
import { toResult } from "./messages.ts";
import { ModelTurn } from "./model-turn.ts";
import { langchainOptions, langchainOptionsSchema, type LangChainOptions } from "./options.ts";
import { createLangChainLoader, installFix, unavailable, type LangChainSdk } from "./sdk.ts";

type Loader = () => Promise<LangChainSdk>;

/**
 * LangChain's `createAgent` as a framework.
 *
 * @param models says which models there are and how they stand.
 * @param sdkVersion of the installed package, which is loaded at the first turn only; nothing where there is none.
 */
export function createLangChainRuntime(
  models: Pick<Models, "list" | "status">,
  sdkVersion: string | undefined,
): AgentRuntime<LangChainOptions> {
  const load = createLangChainLoader();
  return {
    id: "langchain",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: false,
      structuredOutput: true,
      usage: true,
      files: true,
    },
    options: langchainOptions,
    optionsSchema: langchainOptionsSchema,
    ...standingOn({ name: "langchain", version: sdkVersion, fix: installFix }, models),
    stream: (request, ctx) => converse(load, request, ctx),
  };
}

async function* converse(load: Loader, request: RunRequest<LangChainOptions>, ctx: RunContext): AsyncGenerator<RunEventBody> {
  if (request.messages.length === 0) throw nothingToAnswer();
  const conversation = [...request.messages];
  const done = await settled(conversation, ctx);
  if (done) conversation[done.index] = done.message;
  if (isAnswered(conversation, ctx.runId)) return;
  const most = Math.min(request.options.maxSteps, ctx.limits.maxSteps);
  const first = nextModelCall(conversation);
  if (first > most) throw limitReached(most);

  const files = await loadFiles(conversation, ctx.model);
  const [sdk, { createAgent, createMiddleware }] = await Promise.all([load(), agents()]);
  let next = first;
  const turn = new ModelTurn({
    sdk,
    ctx,
    plugin: "langchain",
    options: request.options,
    outputSchema: request.outputSchema,
    conversation,
    nameCall: () => ({ key: `model/${next++}` }),
  });
  // Not as createAgent's own prompt: that is sent in blocks, which not every server takes.
  const instructions = request.instructions ? [new sdk.messages.SystemMessage(request.instructions)] : [];
  const platform = createMiddleware({
    name: "weftline",
    wrapModelCall: async (asked, ask) => {
      ctx.drain.throwIfAborted();
      const number = next;
      const message = await ask({ ...asked, messages: [...instructions, ...asked.messages] });
      // Before the tools run: nobody would read what they answer.
      if (number >= most && "tool_calls" in message && (message.tool_calls?.length ?? 0) > 0) throw limitReached(most);
      return message;
    },
    wrapToolCall: async ({ toolCall: { id = "", name, args } }) =>
      toResult({ id, name }, await turn.calls.outcome(id, { name: turn.names.fromWire(name), arguments: args }), { sdk }),
  });
  const agent = createAgent({
    model: await turn.model(),
    tools: ctx.tools.map((tool) => turn.tool(tool)),
    middleware: [platform],
  });
  const messages = turn.messages(conversation, files);
  // Two steps of the graph a model call; the limit that counts is ours.
  const recursionLimit = 2 * most + 10;
  yield* turn.events((signal) => agent.invoke({ messages }, { callbacks: [turn.handler], signal, recursionLimit }));
}

async function agents(): Promise<typeof LangChain> {
  try {
    return await import("langchain");
  } catch (error) {
    throw unavailable(error);
  }
}
