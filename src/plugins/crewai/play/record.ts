import type { Checkpoints } from "#weftline";

const format = "crewai/1";
/** The checkpoint that answers are noted on, whatever tasks are done by then. */
const start = "start";

/** What became of a task. */
export interface TaskOutput {
  readonly raw: string;
  /** The role of who did it. */
  readonly agent: string;
  readonly skipped?: true;
}

/**
 * What a run did so far, over all its turns: outputs of tasks, each a checkpoint, and answers of models by what was asked. So a run that waited or
 * lost its process does no task again, and asks no model what it has answered.
 */
export class RunRecord {
  readonly outputs = new Map<string, TaskOutput>();
  readonly #checkpoints: Checkpoints;
  readonly #answers = new Map<string, unknown>();
  readonly #places = new Map<string, number>();
  #newest: string;

  private constructor(checkpoints: Checkpoints, newest: string) {
    this.#checkpoints = checkpoints;
    this.#newest = newest;
  }

  /** Reads what earlier turns left, or begins. */
  static async open(checkpoints: Checkpoints): Promise<RunRecord> {
    const [newest, first] = await Promise.all([checkpoints.get({}), checkpoints.get({ id: start })]);
    const record = new RunRecord(checkpoints, newest?.id ?? start);
    for (const [task, output] of Object.entries(newest?.values ?? {})) record.outputs.set(task, output as TaskOutput);
    for (const { task, index, channel, value } of first?.writes ?? []) {
      record.#answers.set(channel, value);
      record.#places.set(task, Math.max(index + 1, record.#places.get(task) ?? 0));
    }
    if (!first) await record.#put(start, [...record.outputs.keys()], {});
    return record;
  }

  answer(key: string): unknown {
    return this.#answers.get(key);
  }

  /** Notes an answer of the task's work. */
  async note(task: string, key: string, answer: unknown): Promise<void> {
    const index = this.#places.get(task) ?? 0;
    this.#places.set(task, index + 1);
    this.#answers.set(key, answer);
    await this.#checkpoints.putWrites({ checkpoint: start }, [{ task, index, channel: key, value: answer }]);
  }

  /** Notes that a task is done. */
  async done(task: string, output: TaskOutput, step: string): Promise<void> {
    this.outputs.set(task, output);
    await this.#put(`task/${task}`, [...this.outputs.keys()], { [task]: output }, step);
  }

  async #put(id: string, tasks: readonly string[], values: Readonly<Record<string, unknown>>, step?: string): Promise<void> {
    const parent = id === this.#newest ? undefined : this.#newest;
    // Another task may be done while this one is written: the parent is who was newest when it began.
    this.#newest = id;
    const versions = Object.fromEntries(tasks.map((task) => [task, "1"]));
    await this.#checkpoints.put({ id, parent, format, versions, values, data: null, step });
  }
}
