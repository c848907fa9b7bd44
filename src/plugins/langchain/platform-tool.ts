import type { StructuredToolInterface } from "@langchain/core/tools";
import { v7 } from "uuid";
import { outcomeText, type ToolDefinition, type ToolOutcome, type ToolRequest } from "#weftline";
import { wireSchema } from "#plugins/openai";
import { toResult, type MessageMaking } from "./messages.ts";
import type { LangChainSdk } from "./sdk.ts";

/** Who makes the calls. */
export interface ToolCaller {
  /** What comes of a call that a model asked for. */
  outcome(callId: string, call: Omit<ToolRequest, "callId">): Promise<ToolOutcome>;
  /** Makes calls of a program. */
  make(requests: readonly ToolRequest[]): Promise<readonly ToolOutcome[]>;
}

/** What tools of a turn are made with. */
export interface ToolMaking extends MessageMaking {
  readonly sdk: Pick<LangChainSdk, "messages" | "tools">;
  readonly calls: ToolCaller;
}

/**
 * A tool of the platform as LangChain's. Its schema is for the model; arguments are not checked here but where every call is:
 * behind `callTools`, which also knows of approvals.
 */
export function toTool(definition: ToolDefinition, making: ToolMaking): StructuredToolInterface {
  const { sdk, names, calls } = making;
  class PlatformTool extends sdk.tools.StructuredTool {
    readonly name = names.toWire(definition.name);
    readonly description = definition.description;
    readonly schema = wireSchema(definition.inputSchema);

    override async invoke(input: unknown): Promise<never> {
      const call = asked(input);
      if (call) return toResult(call, await calls.outcome(call.id, { name: definition.name, arguments: call.args }), making) as never;
      return (await this._call(input)) as never;
    }

    /** Called by a program, not by a model. */
    protected async _call(args: unknown): Promise<string> {
      const [outcome] = await calls.make([{ callId: `call_${v7()}`, name: definition.name, arguments: args }]);
      return outcomeText(outcome);
    }
  }
  return new PlatformTool() as unknown as StructuredToolInterface;
}

/** The call of a model, where the input is one. */
function asked(input: unknown): { readonly id: string; readonly name: string; readonly args: unknown } | undefined {
  const call = input as { readonly type?: unknown; readonly id?: unknown; readonly name?: unknown; readonly args?: unknown } | null;
  return call?.type === "tool_call" && typeof call.id === "string" && typeof call.name === "string"
    ? { id: call.id, name: call.name, args: call.args }
    : undefined;
}
