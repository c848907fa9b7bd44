import type { RunContext } from "#weftline";
import { newestOf, type RemoteRun } from "./remote-run.ts";

const place = { id: "answered", namespace: "weftline.remote", format: "langgraph-remote/1" } as const;

/** What stands of answers: how often each interrupt was answered, and what was about to be told to the server when it had heard of so many runs. */
interface Noted {
  readonly counts: Readonly<Record<string, number>>;
  readonly sent?: { readonly interrupts: readonly string[]; readonly runs: number };
  /** The checkpoint at which the graph stopped because it was compiled to. */
  readonly stopped?: string;
  /** The runs of the thread that were cancelled from here, and how they stood then. */
  readonly cancelled?: Readonly<Record<string, string>>;
}

/**
 * How often each interrupt of a remote run was answered. A node that asks twice has one interrupt there, also where both questions are the same:
 * this tells the second from the first, so that a decision is given to the server once. What was cancelled from here is noted too: a run that
 * ended otherwise has stopped where it was compiled to.
 */
export class RemoteAnswers {
  readonly #checkpoints: RunContext["checkpoints"];
  #noted: Noted;

  private constructor(checkpoints: RunContext["checkpoints"], noted: Noted) {
    this.#checkpoints = checkpoints;
    this.#noted = noted;
  }

  static async open({ checkpoints }: Pick<RunContext, "checkpoints">): Promise<RemoteAnswers> {
    const stored = await checkpoints.get({ namespace: place.namespace, id: place.id });
    return new RemoteAnswers(checkpoints, (stored?.data ?? { counts: {} }) as Noted);
  }

  of(interrupt: string): number {
    return this.#noted.counts[interrupt] ?? 0;
  }

  /** Where the thread has had more runs than when answers were about to be told, the server was told them. */
  heard(runs: readonly RemoteRun[]): void {
    if (this.#begun(runs) > (this.#noted.sent?.runs ?? Number.POSITIVE_INFINITY)) this.told();
  }

  /**
   * Whether the graph stopped at the checkpoint because it was compiled to, and not because a process was lost. Where nobody can tell, it did: a
   * person is asked once too often rather than never.
   */
  stoppedAt(checkpoint: string, runs: readonly RemoteRun[]): boolean {
    if (checkpoint === this.#noted.stopped) return true;
    const last = newestOf(runs);
    return !last || last.status === "success" || (last.status === "interrupted" && this.#noted.cancelled?.[last.run_id] === undefined);
  }

  /** To be noted before anybody is asked whether to go on. */
  async stop(checkpoint: string): Promise<void> {
    const { sent: _, ...noted } = this.#noted;
    await this.#put({ ...noted, stopped: checkpoint });
  }

  /** To be noted before the server is told: where the process is lost in between, the number of runs says whether it was. */
  async telling(interrupts: readonly string[], runs: readonly RemoteRun[]): Promise<void> {
    const { stopped: _, ...noted } = this.#noted;
    await this.#put({ ...noted, sent: { interrupts, runs: this.#begun(runs) } });
  }

  /** To be noted before runs are cancelled. @throws RUN_FENCED: they are another worker's. */
  async cancelling(runs: readonly RemoteRun[]): Promise<void> {
    const cancelled = { ...this.#noted.cancelled, ...Object.fromEntries(runs.map(({ run_id, status }) => [run_id, status])) };
    await this.#put({ ...this.#noted, cancelled });
  }

  /** The server was told. */
  told(): void {
    const { sent, ...noted } = this.#noted;
    const more = (sent?.interrupts ?? []).map((id) => [id, this.of(id) + 1] as const);
    this.#noted = { ...noted, counts: { ...noted.counts, ...Object.fromEntries(more) } };
  }

  /** How many runs began their work: one that was cancelled as it waited for its turn has read nothing. */
  #begun(runs: readonly RemoteRun[]): number {
    return runs.filter(({ run_id }) => this.#noted.cancelled?.[run_id] !== "pending").length;
  }

  async #put(noted: Noted): Promise<void> {
    this.#noted = noted;
    await this.#checkpoints.put({ ...place, versions: {}, values: {}, data: noted });
  }
}
