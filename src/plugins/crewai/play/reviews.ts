import { WeftlineError, type RunContext } from "#weftline";
import type { CrewAgent, CrewTask } from "../definition/crew.ts";

/** What a person says to an output. */
export type Verdict =
  | { readonly kind: "accepted" }
  /** Takes another text instead. */
  | { readonly kind: "replaced"; readonly output: string }
  | { readonly kind: "rejected"; readonly feedback: string };

/** Shows outputs to people. Each is asked about once a run, also over its turns. */
export class Reviews {
  readonly #ctx: Pick<RunContext, "ask">;
  readonly #rounds = new Map<string, number>();

  constructor(ctx: Pick<RunContext, "ask">) {
    this.#ctx = ctx;
  }

  /** @throws RUN_SUSPENDED while nobody has decided */
  async ask(task: CrewTask, agent: Pick<CrewAgent, "role">, output: string): Promise<Verdict> {
    const round = (this.#rounds.get(task.name) ?? 0) + 1;
    this.#rounds.set(task.name, round);
    const outcome = await this.#ctx.ask({
      key: `task/${task.name}/review/${round}`,
      kind: "REVIEW",
      message: `Is this right for the task "${task.name}"? Reject it with a reason, and ${agent.role} tries again.`,
      arguments: { task: task.name, agent: agent.role, output },
      responseSchema: { type: "object", properties: { output: { type: "string" } }, required: ["output"] },
      allowed: ["APPROVE", "EDIT", "REJECT"],
    });
    if (outcome.status !== "RESOLVED")
      throw new WeftlineError("CREW_FAILED", { plugin: "crewai", problem: `nobody decided on the output of "${task.name}"` });
    const { kind, reason, payload } = outcome.decision;
    if (kind === "EDIT") return { kind: "replaced", output: (payload as { readonly output: string }).output };
    return kind === "REJECT" ? { kind: "rejected", feedback: reason ?? "This is not right yet." } : { kind: "accepted" };
  }
}
