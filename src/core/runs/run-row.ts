import type { Sql, SqlValue } from "../database/sql.ts";

interface Assignment {
  readonly expression: string;
  readonly params: readonly SqlValue[];
}

/**
 * What the events of one batch change of their run's row, written in one statement behind the last of them. Expressions see the row as it was
 * before the batch.
 */
export class RunRow {
  readonly #assignments = new Map<string, Assignment>();

  /** Sets a column; what an earlier event of the batch set is replaced. */
  set(column: string, value: SqlValue): this {
    return this.setTo(column, "?", value);
  }

  /** Sets a column to an expression with `?` for each of its parameters. */
  setTo(column: string, expression: string, ...params: readonly SqlValue[]): this {
    this.#assignments.set(column, { expression, params });
    return this;
  }

  /** What an event of the batch set a plain column to. */
  valueOf(column: string): SqlValue | undefined {
    return this.#assignments.get(column)?.params[0];
  }

  has(column: string): boolean {
    return this.#assignments.has(column);
  }

  /** Writes what was set so far: at the end of the batch, and before a statement that reads or changes the row itself. */
  async write(sql: Sql, runId: string): Promise<void> {
    if (this.#assignments.size === 0) return;
    // In one order, so that few statements serve all batches.
    const columns = [...this.#assignments].toSorted(([a], [b]) => (a < b ? -1 : 1));
    this.#assignments.clear();
    await sql.run(
      `update runs_run set ${columns.map(([name, { expression }]) => `${name} = ${expression}`).join(", ")} where id = ?`,
      ...columns.flatMap(([, { params }]) => params),
      runId,
    );
  }
}
