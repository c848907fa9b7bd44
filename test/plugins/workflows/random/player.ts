import { setTimeout } from "node:timers/promises";
import { definitionOf, inputOf } from "./definition.ts";
import type { Played, Script } from "./works.ts";
import { Outside, startProcess, type Process } from "./world.ts";

/** A step of a run that belongs to a node. */
export interface StepSeen {
  readonly key: string;
  readonly nodeKey: string | null;
  readonly attempt: number;
  readonly status: string;
  readonly output: unknown;
  readonly childRun: { readonly id: string } | null;
}

export interface RunSeen {
  readonly status: string;
  readonly output: unknown;
  readonly failure: { readonly message: string } | null;
  readonly steps: readonly StepSeen[];
  readonly children: readonly { readonly id: string }[];
}

/** How long a batch of runs may take, in milliseconds: then something stands still for ever. */
const patienceMs = 60_000;

const ends = new Set(["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);
const refusals = "__typename ... on UserError { message } ... on InvalidInputError { issues { path message } }";

/** The process was lost: whoever spoke with it begins again with the next. */
class Lost extends Error {}

/** A batch of runs that were played to their ends. */
export interface Batch {
  readonly outside: Outside;
  readonly process: Process;
  /** The id of each script's run. */
  readonly runs: readonly string[];
  /** How many processes were lost on the way. */
  readonly lost: number;
}

/**
 * Plays scripts side by side, while processes are lost.
 *
 * @param losses after how many places around durable steps each process is lost; the one after the last goes on to the end.
 */
export async function playAll(scripts: readonly Script[], losses: readonly number[]): Promise<Batch> {
  const outside = new Outside();
  let process = await startProcess(outside);
  for (const [index, { nodes }] of scripts.entries()) await create(process, `g${index}`, nodes);
  const [first = 0, ...others] = losses;
  process.loseAfter(first);
  for (let lost = 0; ; lost++) {
    const runs = await playOn(process, scripts);
    if (runs) return { outside, process, runs, lost };
    const { left = "" } = process;
    await process.end();
    process = await startProcess(outside, { folder: left, loseAfter: others[lost] ?? 0 });
  }
}

async function create(process: Process, name: string, nodes: readonly Played[]): Promise<void> {
  const nameOf = (node: string): string => `${name}.${node}`;
  for (const { key, work } of nodes) if (work.kind === "workflow") await create(process, nameOf(key), work.nodes);
  const { createWorkflow } = await process.app.graphql<{ createWorkflow: { workflow?: object } }>(
    `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { ... on CreateWorkflowPayload { workflow { id } } ${refusals} } }`,
    { input: { name, nodes: definitionOf(nodes, nameOf) } },
  );
  if (!createWorkflow.workflow) throw new Error(`${JSON.stringify(createWorkflow)} of ${JSON.stringify(nodes)}`);
}

/** @returns the runs, once all have ended; nothing where the process was lost. */
async function playOn(process: Process, scripts: readonly Script[]): Promise<readonly string[] | undefined> {
  try {
    const people = new People(process, scripts);
    await people.start();
    for (const started = performance.now(); !(await people.look());) {
      if (performance.now() - started > patienceMs) throw new Error(`These runs stand still: ${JSON.stringify(people.open)}`);
      await setTimeout(4);
    }
    return people.runs;
  } catch (error) {
    if (error instanceof Lost) return undefined;
    throw error;
  }
}

/** Those who start runs, decide, send signals, pause and cancel. They begin again with each process, and say what they said before once more. */
class People {
  readonly #process: Process;
  readonly #scripts: readonly Script[];
  readonly #said = new Set<string>();
  readonly #statuses = new Map<string, string>();
  readonly runs: string[] = [];

  constructor(process: Process, scripts: readonly Script[]) {
    this.#process = process;
    this.#scripts = scripts;
  }

  get open(): readonly unknown[] {
    return this.runs.flatMap((run, index) => {
      const status = this.#statuses.get(run);
      return ends.has(status ?? "") ? [] : [{ run, status, script: this.#scripts[index] }];
    });
  }

  async start(): Promise<void> {
    for (const [index, { nodes }] of this.#scripts.entries()) {
      const input = { target: { workflow: { name: `g${index}` } }, input: inputOf(`g${index}`), idempotencyKey: `g${index}` };
      const { startRun } = await this.#ask<{ startRun: { run?: { id: string } } }>(
        `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ${refusals} } }`,
        { input },
      );
      if (!startRun.run) throw new Error(JSON.stringify(startRun));
      this.runs.push(startRun.run.id);
      await this.#signal(startRun.run.id, nodes, "early");
    }
  }

  /** @returns whether all have ended. */
  async look(): Promise<boolean> {
    const { runs, interrupts } = await this.#ask<{
      runs: { nodes: { id: string; status: string }[] };
      interrupts: { nodes: { id: string; kind: string; message: string; argumentsHash: string | null }[] };
    }>(`{ runs(first: 100, filter: { rootOnly: true }) { nodes { id status } }
          interrupts(first: 100) { nodes { id kind message argumentsHash } } }`);
    for (const { id, status } of runs.nodes) this.#statuses.set(id, status);
    for (const interrupt of interrupts.nodes) await this.#decide(interrupt);
    for (const [index, { nodes, meanwhile }] of this.#scripts.entries()) {
      const run = this.runs[index] ?? "";
      const status = this.#statuses.get(run) ?? "";
      if (ends.has(status)) continue;
      if (status === "WAITING" || status === "PAUSED") await this.#signal(run, nodes, "late");
      if (status === "PAUSED") await this.#change("resumeRun", run);
      else if (meanwhile === "pause" && this.#isNew(`pause ${run}`)) await this.#change("pauseRun", run);
      else if (meanwhile === "cancel" && this.#isNew(`cancel ${run}`)) await this.#change("cancelRun", run);
    }
    return this.open.length === 0;
  }

  async #decide({
    id,
    kind,
    message,
    argumentsHash,
  }: Readonly<Record<"id" | "kind" | "message", string>> & { argumentsHash: string | null }) {
    const decision =
      kind === "INPUT" ? { kind: "ANSWER", payload: { of: message } } : { kind: message === "REJECT" ? "REJECT" : "APPROVE" };
    await this.#ask(`mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { ${refusals} } }`, {
      input: { interrupt: id, ...(argumentsHash === null ? {} : { argumentsHash }), ...decision },
    });
  }

  async #signal(run: string, nodes: readonly Played[], when: "early" | "late"): Promise<void> {
    for (const { key, work } of nodes) {
      if (work.kind !== "signal" || work.when !== when || !this.#isNew(`signal ${run} ${key}`)) continue;
      const { signalRun } = await this.#ask<{ signalRun: { __typename: string; message?: string } }>(
        `mutation ($run: ID!, $name: String!, $payload: JSON, $key: String) {
          signalRun(run: $run, name: $name, payload: $payload, idempotencyKey: $key) { ${refusals} } }`,
        { run, name: key, payload: { of: key }, key: `${run} ${key}` },
      );
      if (!["SignalRunPayload", "ConflictError"].includes(signalRun.__typename)) throw new Error(JSON.stringify(signalRun));
    }
  }

  async #change(name: "pauseRun" | "resumeRun" | "cancelRun", run: string): Promise<void> {
    await this.#ask(`mutation ($run: ID!) { ${name}(run: $run) { ${refusals} } }`, { run });
  }

  #isNew(what: string): boolean {
    const isNew = !this.#said.has(what);
    this.#said.add(what);
    return isNew;
  }

  async #ask<Data>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Data> {
    const data = await this.#process.app.graphql<Data>(query, variables);
    if (this.#process.left !== undefined) throw new Lost();
    return data;
  }
}

/** A run with all its steps. */
export async function lookAt({ app }: Process, run: string): Promise<RunSeen> {
  const steps: StepSeen[] = [];
  for (let after: string | null = null; ;) {
    const page: {
      run: Omit<RunSeen, "steps" | "children"> & {
        steps: { nodes: StepSeen[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
        children: { nodes: RunSeen["children"] };
      };
    } = await app.graphql(
      `query ($id: ID!, $after: String) { run(id: $id) { status output failure { message } children(first: 100) { nodes { id } }
        steps(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { key nodeKey attempt status output childRun { id } } } } }`,
      { id: run, after },
    );
    steps.push(...page.run.steps.nodes.filter(({ nodeKey }) => nodeKey !== null));
    if (!page.run.steps.pageInfo.hasNextPage) return { ...page.run, children: page.run.children.nodes, steps };
    after = page.run.steps.pageInfo.endCursor;
  }
}
