import { nodeOf, type Units } from "../../state/units.ts";
import { Attempt, type AttemptAt, type AttemptHost } from "./attempt.ts";
import type { CompiledWorkflow, Work } from "../compiled/compiled.ts";

/** An attempt before the workflow has named it. */
export type NewAttempt = Omit<AttemptAt, "name" | "mayRepeat">;

/** Of what is done without a kind: branches, maps and loops themselves. */
const noWork: Work = {
  kind: { kind: "", description: "", config: undefined as never, startsByContext: true, run: () => null },
  config: { nodes: [], readsMemory: false, evaluate: () => null },
  tools: [],
};

/** Makes the attempts at the units of a workflow. */
export class Attempts {
  readonly #host: AttemptHost;
  readonly #workflow: CompiledWorkflow;
  readonly #units: Units;

  constructor(host: AttemptHost, workflow: CompiledWorkflow, units: Units) {
    this.#host = host;
    this.#workflow = workflow;
    this.#units = units;
  }

  make(at: NewAttempt, work = this.workOf(at.key), config?: unknown): Attempt {
    const node = nodeOf(at.key);
    const name = this.#workflow.plan.nodes.get(node)?.name ?? at.key;
    const mayRepeat = at.attempt < (work.retry?.attempts ?? 1) || (at.key !== node && this.isTriedAgain(node));
    return new Attempt(this.#host, { ...at, name, mayRepeat }, work, config);
  }

  /** The attempt behind this one. */
  after({ at, work }: Attempt): Attempt {
    return this.make({ ...at, attempt: at.attempt + 1, before: undefined }, work);
  }

  /** What a unit does: a node, or an item or round of one. */
  workOf(key: string): Work {
    const node = this.#workflow.nodes.get(nodeOf(key));
    if (node?.type === "work") return node;
    if (node && "inner" in node && key !== nodeOf(key)) return node.inner;
    const { retry, timeoutMs } = this.#workflow.plan.nodes.get(key) ?? {};
    return { ...noWork, retry, timeoutMs };
  }

  /** Whether there is another attempt at a node where this one fails. */
  isTriedAgain(node: string): boolean {
    return (this.#units.get(node)?.attempt ?? 1) < (this.#workflow.plan.nodes.get(node)?.retry?.attempts ?? 1);
  }
}
