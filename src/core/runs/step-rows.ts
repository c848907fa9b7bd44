import { insertMany } from "../database/insert-many.ts";
import type { Sql, SqlValue } from "../database/sql.ts";
import { stepsFormat } from "./checkpoints.ts";
import { checkpointIdOf, stepIdOf } from "./events.ts";

const columns = [
  "id",
  "tenant_id",
  "owner_id",
  "run_id",
  "num",
  "key",
  "name",
  "kind",
  "attempt",
  "parent_id",
  "provenance",
  "input",
  "started_at",
  "node_key",
  "iteration",
  "compensates_id",
  "child_run_id",
  "status",
  "error",
  "output",
  "finished_at",
  "input_refs",
  "output_refs",
];
const insert = `insert into runs_step (${columns.join(", ")}, due_at) values`;
const marks = columns.map(() => "?").join(", ");

/** How a step is inserted: the time at which it is due comes last. */
export const stepColumns = { insert, marks };

const insertSteps = insertMany(insert, `(${marks}, null)`);

/** Places among the steps of a run at which it can be forked. They hold no state: the steps do. */
const insertCheckpoints = insertMany(
  `insert into runs_checkpoint (id, tenant_id, owner_id, run_id, num, namespace, name, parent_id, step_id, format, versions, data, created_at)
   values`,
  `(?, ?, ?, ?, ?, '', ?, ?, ?, '${stepsFormat}', '{}', null, ?)`,
);

/** Where a checkpoint stands: behind another of its run, or first. */
export interface CheckpointPlace {
  readonly after: string | null;
}

/** Whose a checkpoint is. */
interface CheckpointOwner {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
}

/** Rows that the events of one append bring, of all its runs: written behind the others, many a statement. */
export class StepRows {
  readonly #steps: SqlValue[][] = [];
  readonly #checkpoints: SqlValue[][] = [];

  /** @param step a value for each column but the time at which it is due. */
  add(step: SqlValue[]): void {
    this.#steps.push(step);
  }

  addCheckpoint(
    run: CheckpointOwner,
    { after, s, seq, at }: CheckpointPlace & { readonly s: number; readonly seq: number; readonly at: number },
  ): void {
    const { id, tenantId, ownerId } = run;
    this.#checkpoints.push([checkpointIdOf(id, s), tenantId, ownerId, id, seq, String(s), after, stepIdOf(id, s), at]);
  }

  async write(sql: Sql): Promise<void> {
    await insertSteps(sql, this.#steps.splice(0));
    await insertCheckpoints(sql, this.#checkpoints.splice(0));
  }
}
