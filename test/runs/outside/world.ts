import { expect } from "vitest";
import {
  RunTarget,
  WeftlineError,
  contribution,
  definePlugin,
  extendInput,
  nodeType,
  runTargets,
  type OwnProgram,
  type ProgramContext,
  type Viewer,
} from "#weftline";
import { faultInjections } from "../../../src/core/runs/failpoint.ts";
import { collect, defaultViewer, testPlatform, type TestPlatform } from "../../../src/testing/index.ts";

/** The type key of what runs here. */
class Chore extends RunTarget {}

const chore = (name: string): Chore => Object.assign(new Chore(), { id: name, name });

/** A host whose runs execute what a test writes, so many of them side by side. */
export async function bootChores(concurrency = 8) {
  const programs = new Map<string, OwnProgram>();
  const chores = definePlugin({
    id: "chore",
    schema: (builder) => {
      nodeType(builder, Chore, {
        name: "Chore",
        description: "A chore.",
        interfaces: [RunTarget],
        ownership: { rule: "INSTALLED" },
        load: async (names) => names.map(chore),
        fields: () => ({}),
      });
      extendInput(builder, "RunTargetInput", (t) => ({ chore: t.string({ description: "A chore by its name." }) }));
    },
    contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { concurrency } })],
    setup: ({ contribute }) => {
      contribute(runTargets, "Chore", {
        typeName: "Chore",
        startable: { inputField: "chore", find: async (_, name) => ({ id: String(name), name: String(name) }) },
        program: async ({ targetId }) => programs.get(targetId) ?? { capabilities: [], run: () => "done" },
        load: async (_, name) => chore(name),
      });
      return {};
    },
  });
  const app = await testPlatform({ plugins: [chores()] });
  let count = 0;
  const start = async (run: OwnProgram["run"], input: object = {}, name = `chore ${++count}`): Promise<string> => {
    programs.set(name, { capabilities: [], run });
    const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
      "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
      { input: { target: { chore: name }, ...input } },
    );
    return startRun.run.id;
  };
  return { app, programs, start };
}

/** Waits for a signal of this name in a step of its own; a step that is done has what it came to. */
export async function awaitSignal({ say, flush, state }: ProgramContext, name: string, step = name): Promise<unknown> {
  const done = (await state.steps()).find(({ key, status }) => key === step && status === "SUCCEEDED");
  if (done) return done.output;
  if (state.stepId(step) === undefined) await say({ kind: "step.started", step, name, stepKind: "NODE", nodeKey: step });
  await flush();
  const take = () => state.takeSignal(state.stepId(step) ?? "", name);
  const taken = await take();
  if (!taken) throw new WeftlineError("RUN_SUSPENDED");
  expect(await take(), "the same step gets the same signal").toEqual(taken);
  await say({ kind: "step.finished", step, status: "SUCCEEDED", output: taken.payload });
  await flush();
  return taken.payload;
}

export interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly path?: readonly string[];
  readonly run?: { readonly status: string };
}

const answer = "... on UserError { code path }";

export async function sendSignal(app: TestPlatform, run: string, more: object = {}, viewer: Viewer = defaultViewer): Promise<Answer> {
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($run: ID!, $name: String!, $payload: JSON, $key: String) {
      result: signalRun(run: $run, name: $name, payload: $payload, idempotencyKey: $key) { __typename ... on SignalRunPayload { run { status } } ${answer} }
    }`,
    { run, name: "go", ...more },
    viewer,
  );
  return result;
}

/** Calls `pauseRun`, `resumeRun` or `cancelRun`. */
export async function change(app: TestPlatform, verb: "pause" | "resume" | "cancel", run: string, viewer = defaultViewer): Promise<Answer> {
  const payload = `${verb[0]?.toUpperCase()}${verb.slice(1)}RunPayload`;
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($run: ID!) { result: ${verb}Run(run: $run) { __typename ... on ${payload} { run { status } } ${answer} } }`,
    { run },
    viewer,
  );
  return result;
}

export interface SeenRun {
  readonly status: string;
  readonly output: unknown;
  readonly events: readonly { readonly type: string; readonly name?: string; readonly payload?: unknown }[];
}

export async function seen(app: TestPlatform, run: string): Promise<SeenRun> {
  const query = "query ($run: ID!) { run(id: $run) { status output events(first: 1000) { type ... on SignalEvent { name payload } } } }";
  return (await app.graphql<{ run: SeenRun }>(query, { run })).run;
}

export async function until(app: TestPlatform, run: string, status: string): Promise<SeenRun> {
  await expect.poll(async () => (await seen(app, run)).status, { interval: 5, timeout: 5_000 }).toBe(status);
  return seen(app, run);
}

/** The kinds of a run's events, up to its end. */
export async function kindsOf(app: TestPlatform, run: string): Promise<string[]> {
  const events = await collect(
    app.subscribe<{ runEvents: { type: string } }>("subscription ($run: ID!) { runEvents(run: $run, after: 0) { type } }", { run }),
  );
  return events.map(({ runEvents }) => runEvents.type);
}
