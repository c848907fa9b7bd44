import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Exchange } from "#plugins/langchain";
import type { GraphCallback, GraphEvents, TaskMetadata } from "./events.ts";
import type { LangGraphSdk } from "./sdk.ts";

/** Tells a run what LangGraph calls back of nodes and tools. It is waited for, so that the log has what a node did before the checkpoint that stands on it. */
export function graphHandler({ callbacks }: Pick<LangGraphSdk, "callbacks">, events: GraphEvents, exchange: Exchange): BaseCallbackHandler {
  const hear = (callback: GraphCallback): Promise<void> | undefined => {
    const body = events.read(callback);
    return body && exchange.say(() => [body]);
  };
  const methods = {
    name: "weftline-nodes",
    awaitHandlers: true,
    handleChainStart: (_chain: unknown, _inputs: unknown, id: string, ...rest: readonly unknown[]) => {
      const [, tags = [], metadata = {}] = rest as readonly [unknown, string[]?, TaskMetadata?];
      return hear({ on: "chainStart", id, tags, metadata });
    },
    handleToolStart: (_tool: unknown, _input: unknown, id: string, ...rest: readonly unknown[]) => {
      const [, , metadata = {}, name = "tool", callId] = rest as readonly [unknown, unknown, TaskMetadata?, string?, string?];
      return hear({ on: "toolStart", id, metadata, name, callId });
    },
    handleChainEnd: (output: unknown, id: string) => hear({ on: "end", id, output }),
    handleToolEnd: (output: unknown, id: string) => hear({ on: "end", id, output }),
    handleChainError: (error: unknown, id: string) => hear({ on: "error", id, error }),
    handleToolError: (error: unknown, id: string) => hear({ on: "error", id, error }),
  };
  return callbacks.BaseCallbackHandler.fromMethods(methods as never);
}
