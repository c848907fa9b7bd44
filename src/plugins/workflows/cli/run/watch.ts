import { messageOf, type CliContext } from "#weftline";
import { Desk } from "./ask/desk.ts";
import { cancelDocument, eventsDocument, runDocument, stepInputDocument, stepsDocument } from "./documents.ts";
import type { PlannedNode, RunData, RunStatus, StepData, WatchedEvent } from "./events.ts";
import { isFinal } from "./events.ts";
import { lineOf } from "./show/lines.ts";
import { drawLive, type LiveTree } from "./show/live.ts";
import type { RunOptions } from "./options.ts";
import { RunTree } from "./tree.ts";

/** How watching a run ended. */
export interface Watched {
  /** `detached` where the run goes on, `cut` where the server did not say how it goes on. */
  readonly end: "final" | "detached" | "cut";
  readonly tree: RunTree;
  readonly status: RunStatus;
  readonly output: unknown;
}

interface Overview {
  readonly id: string;
  readonly status: RunStatus;
  readonly targetName: string;
  readonly output: unknown;
  readonly progress: { readonly done: number; readonly total: number | null } | null;
  readonly workflowVersion: { readonly nodes: readonly PlannedNode[] } | null;
}

/** How a run is watched. */
export interface WatchOptions extends Pick<RunOptions, "shows" | "approve" | "onInterrupt"> {
  /** Whether it was begun just now: then all its events come, else a snapshot first. */
  readonly from: "start" | "snapshot";
  readonly hasAgents: boolean;
}

/** Follows a run to its end or until its watcher leaves. @returns nothing where there is no such run. */
export async function watchRun(ctx: CliContext, runId: string, options: WatchOptions): Promise<Watched | undefined> {
  const before = await overviewOf(ctx, runId);
  if (!before) return undefined;
  const tree = new RunTree(before.id, before.workflowVersion?.nodes ?? []);
  tree.root.name = before.targetName;
  tree.progress = before.progress ?? undefined;
  const watch = new Watch(ctx, tree, options);
  await watch.follow();
  try {
    const { status, output } = (await overviewOf(ctx, runId)) ?? before;
    return { end: isFinal(status) ? "final" : "detached", tree, status, output };
  } catch (error) {
    const { status, output } = tree.root;
    // Its last event has told the same.
    if (isFinal(status) && output !== undefined) return { end: "final", tree, status, output };
    if (!watch.hasLeft) throw error;
    return { end: "cut", tree, status, output };
  }
}

async function overviewOf({ graph }: CliContext, run: string): Promise<Overview | undefined> {
  const { node } = await graph.request<{ readonly node: Partial<Overview> | null }>(runDocument, { run });
  return node?.status === undefined ? undefined : (node as Overview);
}

/** One look at a run. */
class Watch {
  readonly #ctx: CliContext;
  readonly #tree: RunTree;
  readonly #options: WatchOptions;
  readonly #leave = new AbortController();
  readonly #live: LiveTree | undefined;
  readonly #desk: Desk;

  constructor(ctx: CliContext, tree: RunTree, options: WatchOptions) {
    this.#ctx = ctx;
    this.#tree = tree;
    this.#options = options;
    this.#live = options.shows === "progress" && ctx.screen ? drawLive(tree, ctx.screen, ctx.paint) : undefined;
    this.#desk = new Desk(ctx, tree, { approve: options.approve, live: this.#live, onLater: () => this.#leave.abort() });
  }

  /** Whether its watcher left it. */
  get hasLeft(): boolean {
    return this.#leave.signal.aborted;
  }

  async follow(): Promise<void> {
    const { graph, signal } = this.#ctx;
    const interrupt = (): void => this.#interrupt();
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt, { once: true });
    try {
      const events = graph.follow<{ readonly runEvents: WatchedEvent }>(eventsDocument(this.#options.hasAgents), {
        variables: { run: this.#tree.rootId },
        seq: ({ runEvents }) => runEvents.seq,
        after: this.#options.from === "start" ? 0 : null,
        signal: this.#leave.signal,
        onConnection: (state) => this.#tellConnection(state),
      });
      for await (const { runEvents } of events) await this.#take(runEvents);
    } finally {
      signal.removeEventListener("abort", interrupt);
      await this.#desk.close();
      this.#live?.end();
    }
  }

  async #take(event: WatchedEvent): Promise<void> {
    const { shows, hasAgents } = this.#options;
    this.#tree.apply(event);
    if (event.__typename === "RunSnapshotEvent") await loadSteps(this.#ctx, this.#tree, this.#tree.rootId, hasAgents);
    if (event.__typename === "StepStartedEvent") void this.#countItems(event);
    if (shows === "events") this.#ctx.out(`${JSON.stringify(event)}\n`);
    else if (shows === "progress" && !this.#live) {
      const line = lineOf(this.#tree, event);
      if (line !== undefined) this.#ctx.say(line);
    }
    this.#desk.look();
  }

  #tellConnection(state: "lost" | "restored"): void {
    const { graph, say, paint } = this.#ctx;
    const words = state === "lost" ? `The connection to ${graph.url} is lost. Connecting again…` : "Connected again.";
    (this.#live ?? { say }).say(paint("yellow", words));
  }

  /** The first interrupt leaves the run or cancels it; a second one ends the process. */
  #interrupt(): void {
    if (this.#options.onInterrupt === "detach") return this.#leave.abort();
    this.#ctx.graph.request(cancelDocument, { run: this.#tree.rootId }).catch((error: unknown) => {
      this.#ctx.say(messageOf(error));
      this.#leave.abort();
    });
  }

  /** How many items a map goes over stands in what its step was given. */
  async #countItems({ runId, stepId, nodeKey, iteration }: Extract<WatchedEvent, { __typename: "StepStartedEvent" }>): Promise<void> {
    if (runId !== this.#tree.rootId || nodeKey === null || iteration !== null) return;
    if (this.#tree.plan.find(({ key }) => key === nodeKey)?.kind !== "map") return;
    await countItems(this.#ctx, this.#tree, nodeKey, stepId);
  }
}

async function countItems({ graph }: CliContext, tree: RunTree, nodeKey: string, step: string): Promise<void> {
  // Only a figure beside a name: without it the items that began are counted.
  const found = await graph
    .request<{ readonly node: { readonly input?: unknown } | null }>(stepInputDocument, { step })
    .catch(() => undefined);
  const { items } = (found?.node?.input ?? {}) as { readonly items?: unknown };
  if (Array.isArray(items)) tree.totals.set(nodeKey, items.length);
}

interface StepsPage {
  readonly node: {
    readonly steps?: {
      readonly nodes: readonly StepData[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
    } | null;
  } | null;
}

type PageInfo = NonNullable<NonNullable<StepsPage["node"]>["steps"]>["pageInfo"];

function nextOf({ hasNextPage, endCursor }: PageInfo): string | undefined {
  return hasNextPage ? (endCursor ?? undefined) : undefined;
}

/** Reads the steps of a run and of those below it that are at work, as a snapshot has none. */
async function loadSteps(ctx: CliContext, tree: RunTree, run: string, hasAgents: boolean): Promise<void> {
  const below: RunData[] = [];
  for (let after: string | null | undefined = null; after !== undefined;) {
    const { node }: StepsPage = await ctx.graph.request<StepsPage>(stepsDocument(hasAgents), { run, after });
    if (!node?.steps) return;
    for (const step of node.steps.nodes) {
      const { id: stepId, status, startedAt, childRun } = step;
      tree.noteStarted(run, { ...step, stepId, startedAt: startedAt === null ? Date.now() : Date.parse(startedAt) });
      if (status !== "RUNNING" && status !== "WAITING") tree.noteFinished({ ...step, stepId, stepStatus: status });
      if (childRun && !isFinal(childRun.status) && childRun.target?.__typename === "Workflow") below.push(childRun);
      const isMap = step.iteration === null && tree.plan.find(({ key }) => key === step.nodeKey)?.kind === "map";
      if (isMap && run === tree.rootId && step.nodeKey !== null) await countItems(ctx, tree, step.nodeKey, stepId);
    }
    after = nextOf(node.steps.pageInfo);
  }
  for (const child of below) await loadSteps(ctx, tree, child.id, hasAgents);
}
