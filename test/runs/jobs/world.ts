import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { contribution, defineJob, definePlugin, jobs, type JobContext } from "../../../src/core/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

export const ada = testViewer("ada", { roles: ["admin"] });
export const bob = testViewer("bob");
export const carla = testViewer("carla", { roles: ["admin"] });
export const eve = testViewer("eve", { tenantId: "elsewhere", roles: ["admin"] });

/** What the jobs here do, as a test says it. */
export interface Mill {
  grind: (ctx: JobContext<{ readonly sacks: number }, { readonly ground: number }>) => Promise<unknown>;
  once: (ctx: JobContext<undefined, undefined>) => Promise<unknown>;
}

/** A platform with jobs: one that goes on where it was, one that does not, one of which one run at a time is open, and one that waits in line. */
export async function bootMill(mill: Mill, more: { readonly dataDir?: string } = {}): Promise<TestPlatform> {
  const grind = defineJob({
    name: "mill.grind",
    description: "Grinds sacks of corn.",
    input: z.object({ sacks: z.int().min(1).max(1_000), fine: z.boolean().default(false) }),
    state: z.object({ ground: z.int() }),
    run: (ctx) => mill.grind(ctx),
  });
  const once = defineJob({ name: "mill.once", run: (ctx) => mill.once(ctx) });
  const single = defineJob({ name: "mill.single", onBusy: "REJECT", resumable: true, run: (ctx) => mill.once(ctx) });
  const queued = defineJob({ name: "mill.queued", onBusy: "ENQUEUE", resumable: true, run: (ctx) => mill.once(ctx) });
  const plugin = definePlugin({ id: "mill", contributes: [grind, once, single, queued].map((job) => contribution(jobs, job.name, job)) });
  return testPlatform({ plugins: [plugin()], ...more });
}

/** What `startJob` answers. */
export interface Started {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly run?: { readonly id: string; readonly status: string };
}

export async function startJob(app: TestPlatform, input: object, viewer = ada): Promise<Started> {
  const { startJob: answer } = await app.graphql<{ startJob: Started }>(
    `mutation ($input: StartJobInput!) { startJob(input: $input) { __typename ... on StartJobPayload { run { id status } }
      ... on UserError { code message path } ... on InvalidInputError { issues { path message } } } }`,
    { input },
    viewer,
  );
  return answer;
}

/** Starts a job and is sure of the run. */
export async function started(app: TestPlatform, job: string, input?: object, viewer = ada): Promise<string> {
  const answer = await startJob(app, { job, ...(input ? { input } : {}) }, viewer);
  expect(answer).toMatchObject({ __typename: "StartJobPayload" });
  return answer.run?.id ?? "";
}

export interface SeenRun {
  readonly status: string;
  readonly output: unknown;
  readonly trigger: string;
  readonly targetName: string;
  readonly target: { readonly __typename: string; readonly name: string } | null;
  readonly owner: { readonly name: string; readonly kind: string };
  readonly progress: { readonly done: number; readonly total: number | null } | null;
  readonly failure: { readonly code: string; readonly plugin: string | null; readonly retryable: boolean } | null;
}

export async function look(app: TestPlatform, id: string, viewer = ada): Promise<SeenRun | null> {
  const { run } = await app.graphql<{ run: SeenRun | null }>(
    `query ($id: ID!) { run(id: $id) { status output trigger targetName target { __typename name } owner { name kind }
      progress { done total } failure { code plugin retryable } } }`,
    { id },
    viewer,
  );
  return run;
}

/** The run once it is in one of these states. */
export async function until(app: TestPlatform, id: string, states: readonly string[], viewer = ada): Promise<SeenRun> {
  for (let tries = 0; tries < 2_000; tries++) {
    const run = await look(app, id, viewer);
    if (run && states.includes(run.status)) return run;
    await pause(5);
  }
  throw new Error(`The run does not come to ${states.join(" or ")}: ${JSON.stringify(await look(app, id, viewer))}`);
}

export const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];
export const end = (app: TestPlatform, id: string, viewer = ada): Promise<SeenRun> => until(app, id, ended, viewer);

/** A gate that opens once. */
export function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, passed: promise };
}
