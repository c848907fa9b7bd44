import { WeftlineError, type RunContext, type ToolOutcome, type ToolRequest } from "#weftline";

/** The calls of the answers of one turn, made side by side as soon as the first of an answer is wanted. */
export class Calls {
  readonly #ctx: Pick<RunContext, "callTools">;
  readonly #stopped: (reason: unknown) => void;
  readonly #batches = new Map<string, { readonly requests: readonly ToolRequest[]; made?: Promise<readonly ToolOutcome[]> }>();
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param stopped is told what ends the turn: RUN_SUSPENDED where a call waits for a person. Everything that was under way has finished then. */
  constructor(ctx: Pick<RunContext, "callTools">, stopped: (reason: unknown) => void) {
    this.#ctx = ctx;
    this.#stopped = stopped;
  }

  /** Takes down the calls of an answer. */
  note(requests: readonly ToolRequest[]): void {
    const batch = { requests };
    for (const { callId } of requests) this.#batches.set(callId, batch);
  }

  /**
   * What comes of a call.
   *
   * @throws RUN_SUSPENDED and whatever else ends the turn; the turn was told of it already.
   */
  async outcome(callId: string): Promise<ToolOutcome> {
    const batch = this.#batches.get(callId);
    if (!batch) throw new WeftlineError("INTERNAL", {}, { cause: new Error(`no answer asked for the call ${callId}`) });
    batch.made ??= this.make(batch.requests);
    const outcomes = await batch.made;
    return outcomes[batch.requests.findIndex((request) => request.callId === callId)] as ToolOutcome;
  }

  /** Makes calls, of an answer or of a program. */
  async make(requests: readonly ToolRequest[]): Promise<readonly ToolOutcome[]> {
    const made = this.#ctx.callTools(requests);
    this.#underWay.add(made);
    try {
      return await made;
    } catch (error) {
      this.#underWay.delete(made);
      await Promise.allSettled(this.#underWay);
      this.#stopped(error);
      throw error;
    } finally {
      this.#underWay.delete(made);
    }
  }
}
