import { contribution, definePlugin, tools, type ToolDefinition } from "#weftline";
import type { PluginEntry } from "../../../../src/core/kernel/spec.ts";
import { agents, capabilities, files, langchain, models, openai, simulated, workflows } from "../../../../src/plugins/index.ts";
import { workflowNodes, type WorkflowNodeKind } from "../../../../src/plugins/workflows/contract.ts";
import { testPlatform, type TestPlatform } from "../../../../src/testing/index.ts";
import { tool } from "../../capabilities/play.ts";

/** What the tools of the tests were called with, in order. */
export interface Woven {
  readonly name: string;
  readonly args: unknown;
  readonly key: string;
}

/** What a test adds to the platform. */
interface LoomOptions {
  readonly tools?: readonly ToolDefinition[];
  readonly kinds?: readonly WorkflowNodeKind<never>[];
  readonly plugins?: readonly PluginEntry[];
  readonly dataDir?: string;
}

/** A platform with workflows, agents that the simulated model answers for, and a few tools. */
export async function openLoom(more: LoomOptions = {}) {
  const woven: Woven[] = [];
  const noting = (name: string, rest: Partial<ToolDefinition>): ToolDefinition =>
    tool(name, {
      approval: "NEVER",
      ...rest,
      execute: (args: unknown, ctx) => {
        woven.push({ name, args, key: ctx.idempotencyKey });
        return rest.execute ? rest.execute(args as never, ctx) : { args };
      },
    });
  const failures = new Map<string, number>();
  const held = Promise.withResolvers<() => void>();
  const shop = definePlugin({
    id: "loom",
    contributes: [
      ...(more.kinds ?? []).map((kind) => contribution(workflowNodes, kind.kind, kind)),
      ...[
        noting("loom.weave", { sideEffects: "NONE" }),
        noting("loom.send", { sideEffects: "EXTERNAL" }),
        noting("loom.cut", { approval: "ALWAYS" }),
        noting("loom.snap", {
          execute: (args: { thread: string; times: number }) => {
            const before = failures.get(args.thread) ?? 0;
            failures.set(args.thread, before + 1);
            if (before < args.times) throw new Error(`${args.thread} snapped`);
            return before + 1;
          },
        }),
        noting("loom.slow", {
          execute: () => new Promise((resolve) => held.resolve(() => resolve("done"))),
        }),
        noting("loom.hang", {
          timeoutMs: 60_000,
          execute: (_: unknown, { signal }) =>
            new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
        }),
        ...(more.tools ?? []),
      ].map((each) => contribution(tools, each.name, each)),
    ],
  });
  const app = await testPlatform({
    plugins: [
      models(),
      simulated(),
      capabilities(),
      openai(),
      langchain(),
      agents(),
      files(),
      workflows(),
      shop(),
      ...(more.plugins ?? []),
    ],
    ...(more.dataDir === undefined ? {} : { dataDir: more.dataDir }),
  });
  return new Loom(app, woven, held);
}

/** An event of a run, as the tests look at it. */
export interface RunEventSeen {
  readonly seq: number;
  readonly type: string;
  readonly runId: string;
  readonly key?: string;
  readonly stepStatus?: string;
  readonly runStatus?: string;
  readonly interruptStatus?: string;
  readonly interrupt?: {
    readonly id: string;
    readonly kind: string;
    readonly argumentsHash: string | null;
    readonly message: string;
    readonly step: { readonly nodeKey: string | null } | null;
  };
  readonly progress?: { readonly done: number; readonly total: number };
}

export interface StepSeen {
  readonly key: string;
  readonly kind: string;
  readonly status: string;
  readonly attempt: number;
  readonly nodeKey: string | null;
  readonly iteration: number | null;
  readonly provenance: string | null;
  readonly error: string | null;
  readonly output: unknown;
  readonly parent: { readonly key: string } | null;
  readonly compensates: { readonly key: string } | null;
  readonly childRun: { readonly targetName: string; readonly status: string } | null;
}

export interface RunSeen {
  readonly status: string;
  readonly output: unknown;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly steps: readonly StepSeen[];
  readonly children: readonly { readonly targetName: string; readonly status: string }[];
}

/** A node as `createWorkflow` takes it. */
export type NodeInput = Readonly<Record<string, unknown>> & { readonly key: string; readonly kind: string };

const ends = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

/** What tests do with workflows, through the graph. */
export class Loom implements AsyncDisposable {
  readonly app: TestPlatform;
  readonly woven: Woven[];
  /** What lets the tool "loom.slow" come to its end, once it was called. */
  readonly held: PromiseWithResolvers<() => void>;
  #count = 0;

  constructor(app: TestPlatform, woven: Woven[], held: PromiseWithResolvers<() => void>) {
    this.app = app;
    this.woven = woven;
    this.held = held;
  }

  async create(nodes: readonly NodeInput[], more: object = {}): Promise<string> {
    const name = `flow ${++this.#count}`;
    const { createWorkflow } = await this.app.graphql<{ createWorkflow: { workflow?: { id: string }; issues?: unknown } }>(
      `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) {
        ... on CreateWorkflowPayload { workflow { id } } ... on InvalidInputError { issues { path message } } ... on UserError { message } } }`,
      { input: { name, nodes, ...more } },
    );
    if (!createWorkflow.workflow) throw new Error(JSON.stringify(createWorkflow));
    return createWorkflow.workflow.id;
  }

  async start(workflow: string, input: unknown = {}, more: object = {}): Promise<string> {
    const { startRun } = await this.app.graphql<{ startRun: { run?: { id: string } } }>(
      `mutation ($input: StartRunInput!) { startRun(input: $input) {
        ... on StartRunPayload { run { id } } ... on InvalidInputError { issues { path message } } ... on UserError { message } } }`,
      { input: { target: { workflow: { id: workflow } }, input, ...more } },
    );
    if (!startRun.run) throw new Error(JSON.stringify(startRun));
    return startRun.run.id;
  }

  /** Events of a run and those below, from the beginning to its end, or to the one that `until` says. */
  async follow(run: string, until: (event: RunEventSeen) => boolean | Promise<boolean> = () => false): Promise<RunEventSeen[]> {
    const events: RunEventSeen[] = [];
    const stream = await this.app.subscribe<{ runEvents: RunEventSeen }>(
      `subscription ($id: ID!) { runEvents(run: $id, after: 0) { seq type runId
        ... on StepStartedEvent { key } ... on StepFinishedEvent { stepStatus } ... on RunStatusEvent { runStatus }
        ... on ProgressEvent { progress { done total } }
        ... on InterruptEvent { interruptStatus interrupt { id kind argumentsHash message step { nodeKey } } } } }`,
      { id: run },
    );
    for await (const { runEvents: event } of stream) {
      events.push(event);
      if (await until(event)) break;
      if (event.runId === run && ends.includes(event.runStatus ?? "")) break;
    }
    await stream.return?.();
    return events;
  }

  async look(run: string): Promise<RunSeen> {
    const answer = await this.app.graphql<{
      run: Omit<RunSeen, "steps" | "children"> & { steps: { nodes: StepSeen[] }; children: { nodes: RunSeen["children"] } };
    }>(
      `query ($id: ID!) { run(id: $id) { status output failure { code message }
        steps(first: 100) { nodes { key kind status attempt nodeKey iteration provenance error output parent { key } compensates { key } childRun { targetName status } } }
        children(first: 100) { nodes { targetName status } } } }`,
      { id: run },
    );
    return { ...answer.run, steps: answer.run.steps.nodes, children: answer.run.children.nodes };
  }

  /** Runs nodes to their end. */
  async play(nodes: readonly NodeInput[], input: unknown = {}, more: object = {}): Promise<RunSeen> {
    const run = await this.start(await this.create(nodes), input, more);
    await this.follow(run);
    return this.look(run);
  }

  async decide(interrupt: NonNullable<RunEventSeen["interrupt"]>, decision: object): Promise<string> {
    const { decideInterrupt } = await this.app.graphql<{ decideInterrupt: { __typename: string } }>(
      "mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename ... on UserError { message } } }",
      { input: { interrupt: interrupt.id, argumentsHash: interrupt.argumentsHash, ...decision } },
    );
    return decideInterrupt.__typename;
  }

  /** Pauses, resumes or cancels a run. */
  async change(mutation: "pauseRun" | "resumeRun" | "cancelRun", run: string): Promise<void> {
    const answer = await this.app.graphql<Record<string, { __typename: string }>>(
      `mutation ($run: ID!) { ${mutation}(run: $run) { __typename ... on UserError { message } } }`,
      { run },
    );
    if (!answer[mutation]?.__typename.endsWith("Payload")) throw new Error(JSON.stringify(answer));
  }

  async cancel(run: string): Promise<void> {
    await this.app.graphql(
      "mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { id } } ... on UserError { message } } }",
      { run },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}

/** Statuses of the nodes' last attempts, by key. */
export function statusesOf({ steps }: RunSeen): Record<string, string> {
  return Object.fromEntries(steps.filter(({ nodeKey }) => nodeKey !== null).map(({ key, status }) => [key, status]));
}
