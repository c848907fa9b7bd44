import { expect } from "vitest";
import { contribution, definePlugin, tools, type ToolDefinition, type Viewer } from "../../../src/core/index.ts";
import { collect, type TestPlatform } from "../../../src/testing/index.ts";

/** A tool that a test fills in. */
export function tool(name: string, rest: Partial<ToolDefinition> = {}): ToolDefinition {
  return {
    name,
    description: `Does ${name}.`,
    inputSchema: { type: "object" },
    sideEffects: "WRITE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 2_000,
    execute: () => `${name} done`,
    ...rest,
  };
}

/** A plugin that brings tools. */
export function shop(...brought: readonly ToolDefinition[]) {
  return definePlugin({ id: "shop", contributes: brought.map((each) => contribution(tools, each.name, each)) })();
}

/** What a mutation answers: its payload, or an error. */
export interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly run?: { readonly id: string; readonly status: string };
}

const failure = "... on UserError { code message path } ... on InvalidInputError { issues { path message } }";

export async function call(app: TestPlatform, name: string, args: unknown = {}, key?: string, viewer?: Viewer): Promise<Answer> {
  const { callTool } = await app.graphql<{ callTool: Answer }>(
    `mutation ($name: String!, $args: JSON!, $key: String) { callTool(name: $name, arguments: $args, idempotencyKey: $key) {
      __typename ... on CallToolPayload { run { id status } } ${failure}
    } }`,
    { name, args, key },
    viewer,
  );
  return callTool;
}

/** Calls a tool and is sure of the run. */
export async function called(app: TestPlatform, name: string, args: unknown = {}, viewer?: Viewer): Promise<string> {
  const answer = await call(app, name, args, undefined, viewer);
  expect(answer).toMatchObject({ __typename: "CallToolPayload" });
  return answer.run?.id ?? "";
}

/** A run as these tests look at it. */
export interface SeenRun {
  readonly status: string;
  readonly output: unknown;
  readonly text: string | null;
  readonly provenance: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly plugin: string | null } | null;
  readonly target: { readonly __typename: string; readonly name: string } | null;
  readonly targetName: string;
  readonly trigger: string;
  readonly input: unknown;
  readonly retryOf: { readonly id: string } | null;
  readonly steps: { readonly nodes: readonly { readonly kind: string; readonly name: string; readonly status: string }[] };
  readonly interrupts: { readonly nodes: readonly Asked[] };
}

/** An interrupt as these tests look at it. */
export interface Asked {
  readonly id: string;
  readonly status: string;
  readonly kind: string;
  readonly toolName: string;
  readonly arguments: unknown;
  readonly argumentsHash: string;
  readonly message: string;
}

const asked = "id status kind toolName arguments argumentsHash message";

export async function seen(app: TestPlatform, id: string, viewer?: Viewer): Promise<SeenRun> {
  const { run } = await app.graphql<{ run: SeenRun }>(
    `query ($id: ID!) { run(id: $id) {
      status output text provenance failure { code message plugin } target { __typename name } targetName trigger input retryOf { id }
      steps { nodes { kind name status } } interrupts { nodes { ${asked} } }
    } }`,
    { id },
    viewer,
  );
  return run;
}

const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

/** The types of all events of a run, up to its end, or up to where it waits. */
export async function follow(app: TestPlatform, id: string, until: readonly string[] = ended, viewer?: Viewer): Promise<string[]> {
  const events = await collect(
    app.subscribe<{ runEvents: { type: string; runStatus?: string } }>(
      "subscription ($id: ID!) { runEvents(run: $id, after: 0) { type ... on RunStatusEvent { runStatus } } }",
      { id },
      viewer,
    ),
    { until: ({ runEvents }) => until.includes(runEvents.runStatus ?? "") },
  );
  return events.map(({ runEvents }) => runEvents.type);
}

/** The run at its end. */
export async function finished(app: TestPlatform, id: string, viewer?: Viewer): Promise<SeenRun> {
  await follow(app, id, ended, viewer);
  return seen(app, id, viewer);
}

/** What a run asks, once it waits. */
export async function askedBy(app: TestPlatform, id: string, viewer?: Viewer): Promise<Asked> {
  await follow(app, id, ["WAITING", ...ended], viewer);
  const { status, failure: why, interrupts } = await seen(app, id, viewer);
  expect({ status, why }).toEqual({ status: "WAITING", why: null });
  const open = interrupts.nodes.find((each) => each.status === "PENDING");
  if (!open) throw new Error("the run waits for nothing");
  return open;
}

/** A decision as a client makes it. */
export interface Deciding {
  readonly kind: "APPROVE" | "EDIT" | "REJECT" | "ANSWER";
  readonly arguments?: unknown;
  readonly payload?: unknown;
  readonly argumentsHash?: string;
  readonly reason?: string;
}

export async function decide(app: TestPlatform, { id, argumentsHash }: Asked, decision: Deciding, viewer?: Viewer): Promise<Answer> {
  const { decideInterrupt } = await app.graphql<{ decideInterrupt: Answer }>(
    `mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename ... on DecideInterruptPayload { run { id status } } ${failure} } }`,
    { input: { interrupt: id, argumentsHash, ...decision } },
    viewer,
  );
  return decideInterrupt;
}

export async function retry(app: TestPlatform, run: string): Promise<Answer> {
  const { retryRun } = await app.graphql<{ retryRun: Answer }>(
    `mutation ($run: ID!) { retryRun(input: { run: $run }) { __typename ... on RetryRunPayload { run { id status } } ${failure} } }`,
    { run },
  );
  return retryRun;
}
