import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { follow, killTree, urlOf, type Running } from "../../cli/server.ts";

/** A run as it is seen over HTTP. */
export interface SlowRun {
  readonly status: string;
  readonly text: string | null;
  readonly steps: { readonly nodes: readonly { readonly key: string; readonly status: string }[] };
  readonly checkpoints: { readonly nodes: readonly { readonly id: string; readonly state: object }[] };
}

const shown =
  "query ($id: ID!) { run(id: $id) { status text steps { nodes { key status } } checkpoints(first: 50) { nodes { id state } } } }";

/** A process that serves, in the folder of {@link SlowServers}. */
export interface SlowServer {
  readonly running: Running;
  readonly pid: number;
  /** Starts the graph `slow`. @returns the run's id. */
  begin(): Promise<string>;
  see(id: string): Promise<SlowRun>;
}

/** Servers over one folder, whose graph `slow` notes each execution of its nodes. */
export class SlowServers implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "weftline-slow-"));
  readonly #started: Running[] = [];

  constructor() {
    writeFileSync(join(this.folder, "notes"), "");
  }

  /** @param slowMs how long the node `slow` takes. */
  async start(slowMs = 600): Promise<SlowServer> {
    const args = ["src/cli/main.ts", "start", "--config", "test/plugins/langgraph/graphs/slow.config.ts", "--port", "0"];
    const env = { WEFTLINE_DATA: this.folder, SLOW_NOTES: join(this.folder, "notes"), SLOW_MS: String(slowMs) };
    const running = follow(process.execPath, args, { cwd: process.cwd(), env });
    this.#started.push(running);
    const url = await urlOf(running);
    return {
      running,
      pid: running.child.pid ?? 0,
      begin: async () => {
        const options = `{ graph: "slow", output: "done" }`;
        await ask(url, `mutation { createAgent(input: { name: "slow", framework: "langgraph", options: ${options} }) { __typename } }`);
        const { startRun } = await ask<{ startRun: { run: { id: string } } }>(
          url,
          `mutation { startRun(input: { target: { agent: { name: "slow" } }, input: { topic: "looms" } }) { ... on StartRunPayload { run { id } } } }`,
        );
        return startRun.run.id;
      },
      see: async (id) => (await ask<{ run: SlowRun }>(url, shown, { id })).run,
    };
  }

  /** Which nodes were executed by which process, as in `first 4711`. */
  notes(): string[] {
    return readFileSync(join(this.folder, "notes"), "utf8").trim().split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#started) await killTree(running);
    rmSync(this.folder, { recursive: true });
  }
}

async function ask<Data>(url: string, query: string, variables: object = {}): Promise<Data> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return ((await response.json()) as { data: Data }).data;
}
