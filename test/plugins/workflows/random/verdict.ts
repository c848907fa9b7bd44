import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { violationsOf } from "../../../faults/invariants.ts";
import { expectedOf } from "../state/reference.ts";
import { lookAt, type Batch, type RunSeen, type StepSeen } from "./player.ts";
import { isScheduled, resultsOf, type Played, type Script } from "./works.ts";

/** What a batch of runs has done otherwise than the model, in words. Ends its process. */
export async function differencesOf(scripts: readonly Script[], batch: Batch): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [index, { nodes, meanwhile }] of scripts.entries()) {
    const seen = await lookAt(batch.process, batch.runs[index] ?? "");
    const run = new Verdict(batch, `g${index}`, nodes, seen);
    found.push(...(await run.differences(meanwhile === "cancel" ? "perhaps" : "no")));
  }
  const { dataDir } = batch.process.app;
  found.push(...violationsOf(join(dataDir, "weftline.db"), "end"));
  await batch.process.end();
  return found;
}

/** One run beside what the model says of it. */
class Verdict {
  readonly #batch: Batch;
  readonly #id: string;
  readonly #nodes: readonly Played[];
  readonly #seen: RunSeen;
  readonly #found: string[] = [];
  /** The last attempt at each unit. */
  readonly #units: ReadonlyMap<string, StepSeen>;

  constructor(batch: Batch, id: string, nodes: readonly Played[], seen: RunSeen) {
    this.#batch = batch;
    this.#id = id;
    this.#nodes = nodes;
    this.#seen = seen;
    const byAttempt = seen.steps.toSorted((a, b) => a.attempt - b.attempt);
    this.#units = new Map(byAttempt.map((step) => [step.key, step]));
  }

  async differences(cancelled: "no" | "perhaps"): Promise<readonly string[]> {
    const { failed } = expectedOf(this.#nodes.filter(isScheduled));
    const { status, failure } = this.#seen;
    const due = failed.size > 0 ? "FAILED" : "SUCCEEDED";
    if (status !== due && !(cancelled === "perhaps" && status === "CANCELLED")) this.#note("the run", status, due);
    if (status === "FAILED" && ![...failed].some((key) => failure?.message.includes(`"${key}"`)))
      this.#note("the failure", failure?.message, [...failed]);
    this.#checkAttempts();
    if (status === "SUCCEEDED") this.#checkWhole();
    else this.#checkPart();
    await this.#checkChildren();
    return this.#found;
  }

  #note(what: string, is: unknown, due: unknown): void {
    this.#found.push(`${this.#id}: ${what} is ${JSON.stringify(is)}, not ${JSON.stringify(due)}`);
  }

  /** Attempts are counted without a gap or a repeat, and the last alone may have succeeded. */
  #checkAttempts(): void {
    for (const [key, { attempt: count }] of this.#units) {
      const attempts = this.#seen.steps.filter((step) => step.key === key).toSorted((a, b) => a.attempt - b.attempt);
      const numbers = attempts.map(({ attempt }) => attempt);
      if (
        !isDeepStrictEqual(
          numbers,
          Array.from({ length: count }, (_, index) => index + 1),
        )
      )
        this.#note(`${key}, by attempts,`, numbers, count);
      if (attempts.slice(0, -1).some(({ status }) => status !== "FAILED")) this.#note(`${key}, attempt by attempt,`, attempts, "FAILED");
    }
  }

  #checkWhole(): void {
    const { statuses } = expectedOf(this.#nodes.filter(isScheduled));
    const { outputs, attempts, output } = resultsOf(this.#nodes);
    const given = Object.fromEntries([...this.#units].flatMap(([key, { status }]) => (key.includes("/") ? [] : [[key, status]])));
    if (!isDeepStrictEqual(given, Object.fromEntries(statuses))) this.#note("what nodes came to", given, Object.fromEntries(statuses));
    if (!isDeepStrictEqual(this.#seen.output, output)) this.#note("the output", this.#seen.output, output);
    for (const [key, due] of outputs) this.#checkOutput(key, due);
    for (const [unit, due] of attempts) {
      const step = this.#units.get(unit);
      if (step?.attempt !== due) this.#note(`${unit}, by attempts,`, step?.attempt, due);
    }
    for (const unit of new Set([...this.#units.keys(), ...this.#batch.outside.unitsOf(this.#id)])) {
      const { calls } = this.#batch.outside.of(this.#id, unit);
      const isMapped = this.#nodes.find(({ key }) => unit.startsWith(`${key}/`))?.fails === true;
      if (!isMapped && calls.size !== (attempts.get(unit) ?? 0)) this.#note(`${unit}, outside,`, calls.size, attempts.get(unit) ?? 0);
    }
  }

  /** A run that was stopped has done some of it, each as in a whole one, and undone what succeeded. */
  #checkPart(): void {
    const { statuses } = expectedOf(this.#nodes.filter(isScheduled));
    const { outputs, attempts } = resultsOf(this.#nodes);
    for (const [key, due] of statuses) {
      const step = this.#units.get(key);
      if (!step || step.status === "CANCELLED") continue;
      const isBetween = step.status === "FAILED" && step.attempt < (attempts.get(key) ?? 1);
      if (step.status !== due && !isBetween) this.#note(key, step.status, due);
      if (step.status === "SUCCEEDED") this.#checkOutput(key, outputs.get(key));
    }
    for (const [unit, due] of attempts) {
      const { calls } = this.#batch.outside.of(this.#id, unit);
      if (calls.size > due) this.#note(`${unit}, outside,`, calls.size, due);
    }
    for (const { key, undo } of this.#nodes) {
      if (undo === undefined) continue;
      const isDue = this.#units.get(key)?.status === "SUCCEEDED";
      const due = isDue ? ["SUCCEEDED", 1] : [undefined, 0];
      const is = [this.#units.get(undo)?.status, this.#batch.outside.of(this.#id, undo).calls.size];
      if (!isDeepStrictEqual(is, due)) this.#note(`${undo}, which undoes ${key},`, is, due);
    }
  }

  #checkOutput(key: string, due: unknown): void {
    const step = this.#units.get(key);
    if (!isDeepStrictEqual(step?.output ?? null, due)) this.#note(`the output of ${key}`, step?.output, due);
  }

  async #checkChildren(): Promise<void> {
    const started = [...this.#units.values()].flatMap(({ childRun }) => childRun?.id ?? []);
    if (this.#seen.children.length !== started.length) this.#note("the number of runs below", this.#seen.children.length, started.length);
    for (const node of this.#nodes) {
      const step = this.#units.get(node.key);
      if (node.work.kind !== "workflow" || !step?.childRun) continue;
      const seen = await lookAt(this.#batch.process, step.childRun.id);
      const below = new Verdict(this.#batch, `${this.#id}.${node.key}`, node.work.nodes, seen);
      this.#found.push(...(await below.differences(this.#seen.status === "SUCCEEDED" ? "no" : "perhaps")));
    }
  }
}
