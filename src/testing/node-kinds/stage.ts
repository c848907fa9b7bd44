import { rmSync } from "node:fs";
import { parseGlobalId } from "../../core/graphql/ids.ts";
import { agents, auth, capabilities, workflows } from "../../plugins/index.ts";
import { crashCopy } from "../conformance/crash-copy.ts";
import { testPlatform, type TestPlatform } from "../test-platform.ts";
import { KindObserver, type ObservedCall } from "./observed.ts";
import { ResourceWatch, type Began } from "./open-resources.ts";
import type { NodeCase, NodeKindUnderTest, NodeSettings } from "./under-test.ts";

/** How long a run may take to come to its end, in milliseconds: it ends what would never end. */
const patienceMs = 20_000;

/** What is wrong with a workflow. */
export interface Issue {
  readonly path: readonly string[];
  readonly message: string;
}

/** A run of one node, as the checks look at it. */
export interface NodeRun {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly argumentsHash: string }[] };
  readonly steps: { readonly nodes: readonly { readonly nodeKey: string | null; readonly error: string | null }[] };
}

const ended: readonly string[] = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

/** A host with workflows of one node of the kind, which is observed. */
export class KindStage implements AsyncDisposable {
  readonly app: TestPlatform;
  readonly observer: KindObserver;
  readonly #watch: ResourceWatch;
  readonly #folder: string | undefined;
  #workflows = 0;

  private constructor(app: TestPlatform, observer: KindObserver, watch: ResourceWatch, folder: string | undefined) {
    this.app = app;
    this.observer = observer;
    this.#watch = watch;
    this.#folder = folder;
  }

  /** @param folder of a process that was lost: its runs go on here. */
  static async open(kind: NodeKindUnderTest, folder?: string): Promise<KindStage> {
    const watch = new ResourceWatch();
    const observer = new KindObserver(kind.kind, watch);
    const plugins = await observer.observed([auth(), capabilities(), agents(), workflows(), kind.plugins()]);
    const app = await testPlatform({ plugins, ...(folder === undefined ? {} : { dataDir: folder }) });
    const stage = new KindStage(app, observer, watch, folder);
    if (folder === undefined) await kind.prepare?.(app);
    return stage;
  }

  /** Runs something; what it begins is noted. */
  readonly during = <T>(began: Began, run: () => T): T => this.#watch.during(began, run);

  /** What validation says about a workflow of one node with these settings; paths within the settings. */
  async issues(config: object): Promise<readonly Issue[]> {
    const input = { name: "validated", nodes: [this.#node(config)] };
    const query = "query ($input: CreateWorkflowInput!) { validateWorkflow(input: $input) { path message } }";
    const { validateWorkflow } = await this.app.graphql<{ validateWorkflow: readonly Issue[] }>(query, { input });
    const base = ["input", "nodes", "0", "config"];
    return validateWorkflow.map(({ path, message }) => ({
      path: base.every((part, at) => path[at] === part) ? path.slice(base.length) : path,
      message,
    }));
  }

  /** Starts a run of a workflow of one node. @returns its id in the graph. */
  async start({ config, input = {} }: NodeSettings, more: object = {}): Promise<string> {
    const name = `workflow ${++this.#workflows} of ${this.observer.kind}`;
    await this.#mutate("createWorkflow(input: $input)", "CreateWorkflow", "workflow", {
      name,
      nodes: [{ ...this.#node(config), ...more }],
    });
    return this.#mutate("startRun(input: $input)", "StartRun", "run", { target: { workflow: { name } }, input });
  }

  /** Follows a run to its end; what it asks is decided as the case says. */
  async end(id: string, { decision, signal }: Pick<NodeCase, "decision" | "signal"> = {}): Promise<NodeRun> {
    if (signal) await this.#signal(id, signal);
    return this.until(id, "is over", async (seen) => {
      if (decision) await this.#decideAll(seen, decision);
      return ended.includes(seen.status);
    });
  }

  /** Waits until the kind has done what a case asks for, although its outcome is lost. */
  async endOfWork(id: string, { decision, signal }: NodeCase): Promise<void> {
    if (signal) await this.#signal(id, signal);
    await this.until(id, "has done its work", async (seen) => {
      if (decision) await this.#decideAll(seen, decision);
      return ended.includes(seen.status) || this.callsOf(id).some(({ outcome }) => outcome && "output" in outcome);
    });
  }

  /** Runs a case to its end. */
  async play(settings: NodeSettings & Partial<NodeCase>, more: object = {}): Promise<NodeRun> {
    return this.end(await this.start(settings, more), settings);
  }

  /** Runs settings to their end, or until they wait for what does not come. */
  async playUntilItWaits(settings: NodeCase): Promise<NodeRun> {
    const id = await this.start(settings);
    const { decision } = settings;
    const { status } = await this.until(id, "is over or waits", async (seen) => {
      if (decision) await this.#decideAll(seen, decision);
      return ended.includes(seen.status) || (!decision && seen.status === "WAITING");
    });
    if (!ended.includes(status)) await this.cancel(id);
    return this.end(id);
  }

  /** Calls of the kind for a run. */
  callsOf(id: string): readonly ObservedCall[] {
    const local = parseGlobalId(id)?.id;
    return this.observer.calls.filter(({ runId }) => runId === local);
  }

  async cancel(id: string): Promise<void> {
    await this.app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
  }

  async until(id: string, what: string, holds: (run: NodeRun) => boolean | Promise<boolean>): Promise<NodeRun> {
    const end = performance.now() + patienceMs;
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
      const { run } = await this.app.graphql<{ run: NodeRun }>(shown, { id });
      if (await holds(run)) return run;
      if (performance.now() > end) throw new Error(`After ${patienceMs} ms it does not hold that the run ${what}: ${JSON.stringify(run)}`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** All that the log and the rows of its runs hold. */
  async written(): Promise<string> {
    const { read } = this.app.platform.database;
    const tables = await Promise.all(["run", "step", "interrupt"].map((name) => read.all(`select * from runs_${name}`)));
    const events = await read.all("select cast(payload as text) as payload from runs_event");
    return JSON.stringify([tables, events]);
  }

  /** Another host on what is durable now, as after `kill -9`. This one's runs are cancelled, so that they end, and it is closed. */
  async kill(kind: NodeKindUnderTest, runs: readonly string[]): Promise<KindStage> {
    const folder = crashCopy(this.app.dataDir);
    for (const id of runs) await this.cancel(id);
    await this[Symbol.asyncDispose]();
    return KindStage.open(kind, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    this.#watch[Symbol.dispose]();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(config: object): object {
    return { key: "it", kind: this.observer.kind, config };
  }

  async #mutate(field: string, payload: string, made: string, input: object): Promise<string> {
    const { result } = await this.app.graphql<{ result: { made?: { id: string } } }>(
      `mutation ($input: ${payload}Input!) { result: ${field} { __typename ... on ${payload}Payload { made: ${made} { id } }
        ... on InvalidInputError { issues { path message } } ... on UserError { code message } } }`,
      { input },
    );
    if (!result.made) throw new Error(JSON.stringify(result));
    return result.made.id;
  }

  async #signal(run: string, { name, payload = null }: NonNullable<NodeCase["signal"]>): Promise<void> {
    const signal =
      "mutation ($run: ID!, $name: String!, $payload: JSON) { signalRun(run: $run, name: $name, payload: $payload) { __typename } }";
    await this.app.graphql(signal, { run, name, payload });
  }

  async #decideAll({ interrupts }: NodeRun, decision: NonNullable<NodeCase["decision"]>): Promise<void> {
    const decide = "mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename } }";
    for (const { id: interrupt, status, argumentsHash } of interrupts.nodes)
      if (status === "PENDING") await this.app.graphql(decide, { input: { interrupt, argumentsHash, ...decision } });
  }
}

const shown = `query ($id: ID!) { run(id: $id) {
  id status output failure { code message } interrupts { nodes { id status argumentsHash } } steps(first: 20) { nodes { nodeKey error } }
} }`;
