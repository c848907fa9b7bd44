import type { RunContext } from "#weftline";

const place = { id: "answered", namespace: "weftline.remote", format: "langgraph-remote/1" } as const;

/** What stands of answers: how often each interrupt was answered, and what was about to be told to the server when the thread had had so many runs. */
interface Noted {
  readonly counts: Readonly<Record<string, number>>;
  readonly sent?: { readonly interrupts: readonly string[]; readonly runs: number };
  /** The checkpoint at which the graph stopped because it was compiled to. */
  readonly stopped?: string;
}

/**
 * How often each interrupt of a remote run was answered. A node that asks twice has one interrupt there, also where both questions are the same:
 * this tells the second from the first, so that a decision is given to the server once.
 */
export class RemoteAnswers {
  readonly #checkpoints: RunContext["checkpoints"];
  #noted: Noted;

  private constructor(checkpoints: RunContext["checkpoints"], noted: Noted) {
    this.#checkpoints = checkpoints;
    this.#noted = noted;
  }

  /** @param runs how many the thread has had: where there are more than when answers were about to be told, the server was told them. */
  static async open({ checkpoints }: Pick<RunContext, "checkpoints">, runs: number): Promise<RemoteAnswers> {
    const stored = await checkpoints.get({ namespace: place.namespace, id: place.id });
    const answers = new RemoteAnswers(checkpoints, (stored?.data ?? { counts: {} }) as Noted);
    if (runs > (answers.#noted.sent?.runs ?? Number.POSITIVE_INFINITY)) answers.told();
    return answers;
  }

  of(interrupt: string): number {
    return this.#noted.counts[interrupt] ?? 0;
  }

  /** Whether the graph stopped at the checkpoint because it was compiled to, and not because a process was lost. */
  stoppedAt(checkpoint: string | undefined): checkpoint is string {
    return checkpoint !== undefined && checkpoint === this.#noted.stopped;
  }

  /** To be noted before anybody is asked whether to go on. */
  async stop(checkpoint: string): Promise<void> {
    this.#noted = { counts: this.#noted.counts, stopped: checkpoint };
    await this.#put();
  }

  /** To be noted before the server is told: where the process is lost in between, the number of runs says whether it was. */
  async telling(interrupts: readonly string[], runs: number): Promise<void> {
    this.#noted = { counts: this.#noted.counts, sent: { interrupts, runs } };
    await this.#put();
  }

  /** The server was told. */
  told(): void {
    const { counts, sent } = this.#noted;
    const more = (sent?.interrupts ?? []).map((id) => [id, this.of(id) + 1] as const);
    this.#noted = { counts: { ...counts, ...Object.fromEntries(more) } };
  }

  async #put(): Promise<void> {
    await this.#checkpoints.put({ ...place, versions: {}, values: {}, data: this.#noted });
  }
}
