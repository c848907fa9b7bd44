/**
 * What frameworks share that run on LangChain: its models over a binding, its messages, its tools, and what it says while it works. Nothing
 * here loads LangChain before {@link createLangChainLoader}'s loader is called.
 */
export { Calls } from "./calls.ts";
export { createChatModel, type ChatModelSource } from "./chat-model.ts";
export { createMessageReader } from "./events.ts";
export { Exchange } from "./exchange.ts";
export { toAnswer, toMessages, toResult } from "./messages.ts";
export { ModelTurn, type ModelTurnOptions, type TurnCalls } from "./model-turn.ts";
export { toTool, type ToolCaller } from "./platform-tool.ts";
export { createLangChainLoader, unavailable, type LangChainSdk } from "./sdk.ts";
