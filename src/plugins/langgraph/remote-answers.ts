import type { RunContext } from "#weftline";

const place = { id: "answered", namespace: "weftline.remote", format: "langgraph-remote/1" } as const;

type Counts = Readonly<Record<string, number>>;

/**
 * How often each interrupt of a remote run was answered. A node that asks twice has one interrupt there, also where both questions are the same:
 * this tells the second from the first, so that a decision is given to the server once.
 */
export class RemoteAnswers {
  readonly #checkpoints: RunContext["checkpoints"];
  #counts: Counts;

  private constructor(checkpoints: RunContext["checkpoints"], counts: Counts) {
    this.#checkpoints = checkpoints;
    this.#counts = counts;
  }

  static async open({ checkpoints }: Pick<RunContext, "checkpoints">): Promise<RemoteAnswers> {
    const stored = await checkpoints.get({ namespace: place.namespace, id: place.id });
    return new RemoteAnswers(checkpoints, (stored?.data ?? {}) as Counts);
  }

  of(interrupt: string): number {
    return this.#counts[interrupt] ?? 0;
  }

  /** To be noted before the server is told: where the process is lost in between a person is asked again, rather than answered for. */
  async note(interrupts: readonly string[]): Promise<void> {
    const more = interrupts.map((id) => [id, this.of(id) + 1] as const);
    this.#counts = { ...this.#counts, ...Object.fromEntries(more) };
    await this.#checkpoints.put({ ...place, versions: {}, values: {}, data: this.#counts });
  }
}
