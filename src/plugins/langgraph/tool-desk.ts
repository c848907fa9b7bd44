import { WeftlineError, type RunContext, type ToolOutcome, type ToolRequest } from "#weftline";
import type { TurnCalls } from "#plugins/langchain";
import type { LangGraphSdk } from "./sdk.ts";

/**
 * Where the nodes of a graph have tools called. A call that waits for a person interrupts its node, as a question of the graph would: nodes beside
 * it finish, and on the next turn the node begins again and is given what came of its calls.
 */
export class ToolDesk implements TurnCalls {
  readonly #sdk: Pick<LangGraphSdk, "graph">;
  readonly #ctx: Pick<RunContext, "callTools">;
  readonly #underWay = new Set<Promise<unknown>>();
  /** What models asked for, as they wrote it. */
  readonly #noted = new Map<string, ToolRequest>();

  constructor(sdk: Pick<LangGraphSdk, "graph">, ctx: Pick<RunContext, "callTools">) {
    this.#sdk = sdk;
    this.#ctx = ctx;
  }

  note(requests: readonly ToolRequest[]): void {
    for (const request of requests) this.#noted.set(request.callId, request);
  }

  /** @throws GraphInterrupt where the call waits for a person. */
  outcome(callId: string, call: Omit<ToolRequest, "callId">): Promise<ToolOutcome> {
    return this.#make(this.#noted.get(callId) ?? { callId, ...call });
  }

  make(requests: readonly ToolRequest[]): Promise<readonly ToolOutcome[]> {
    return Promise.all(requests.map((request) => this.#make(request)));
  }

  /** Everything that was started has come to its end. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #make(request: ToolRequest): Promise<ToolOutcome> {
    const made = this.#ctx.callTools([request]);
    this.#underWay.add(made);
    try {
      const [outcome] = await made;
      return outcome as ToolOutcome;
    } catch (error) {
      if (!(error instanceof WeftlineError && error.code === "RUN_SUSPENDED")) throw error;
      this.#underWay.delete(made);
      // The node ends with this: what it started beside it has to be over by then.
      await this.idle();
      const { GraphInterrupt } = this.#sdk.graph;
      throw new GraphInterrupt([{ id: `${toolInterrupt}${request.callId}`, value: { tool: request.name } }]);
    } finally {
      this.#underWay.delete(made);
    }
  }
}

/** How the ids of interrupts begin that stand for a tool's approval: the platform asks about those itself. */
export const toolInterrupt = "tool:";
