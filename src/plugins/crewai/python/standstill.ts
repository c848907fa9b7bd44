/** Who in a crew is at work, and so when nobody can go on before a person has decided. */
export class Standstill {
  /** Once everybody who is at work waits, or has come to an end. */
  readonly reached: Promise<void>;
  readonly #reach: () => void;
  readonly #tasks = new Set<string>();
  readonly #shifts = new Map<number, { readonly task: string; readonly parent: number | null }>();
  readonly #halted = new Set<string | number>();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.reached = promise;
    this.#reach = resolve;
  }

  beginTask(task: string): void {
    this.#tasks.add(task);
  }

  endTask(task: string): void {
    this.#tasks.delete(task);
    this.#look();
  }

  beginShift(shift: number, task: string, parent: number | null): void {
    this.#shifts.set(shift, { task, parent });
  }

  endShift(shift: number): void {
    this.#shifts.delete(shift);
    this.#look();
  }

  /** A piece of work, or a task between two of them, cannot go on. */
  halt(who: number | string): void {
    this.#halted.add(who);
    this.#look();
  }

  #look(): void {
    if (this.#halted.size > 0 && [...this.#tasks].every((task) => this.#isHalted(task))) this.#reach();
  }

  /** Whoever handed work on waits for those who do it. */
  #isHalted(task: string): boolean {
    const own = [...this.#shifts].filter(([, shift]) => shift.task === task);
    const doing = own.map(([number]) => number).filter((number) => !own.some(([, { parent }]) => parent === number));
    return doing.length > 0 ? doing.every((number) => this.#halted.has(number)) : this.#halted.has(task);
  }
}
