import { vi } from "vitest";
import type { Viewer } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada } from "./fixture.ts";

export interface RunData {
  id: string;
  status: string;
  targetName: string;
  targetVersion: number | null;
  text: string | null;
  durationMs: number | null;
  failure: { code: string; message: string } | null;
  target: { __typename: string; id: string; name: string } | null;
}

const runFields = `id status targetName targetVersion text durationMs failure { code message } target { __typename id name }`;

export interface StartOutcome {
  __typename: string;
  run?: RunData;
  code?: string;
  message?: string;
  path?: string[];
}

/** Starts a run of an agent. */
export async function start(app: TestPlatform, agent: Record<string, unknown>, viewer: Viewer = ada): Promise<StartOutcome> {
  const query = `mutation ($agent: AgentRef!) { result: startRun(input: { target: { agent: $agent }, text: "Go." }) {
    __typename ... on StartRunPayload { run { ${runFields} } } ... on UserError { code message path } } }`;
  return (await app.graphql<{ result: StartOutcome }>(query, { agent }, viewer)).result;
}

export async function started(app: TestPlatform, agent: Record<string, unknown>, viewer: Viewer = ada): Promise<RunData> {
  const { run, ...rest } = await start(app, agent, viewer);
  if (!run) throw new Error(`No run: ${JSON.stringify(rest)}`);
  return run;
}

/** The run once it is in one of these states. */
export async function until(app: TestPlatform, id: string, states: readonly string[], viewer: Viewer = ada): Promise<RunData> {
  return vi.waitFor(
    async () => {
      const { run } = await app.graphql<{ run: RunData | null }>(`query ($id: ID!) { run(id: $id) { ${runFields} } }`, { id }, viewer);
      if (!run || !states.includes(run.status)) throw new Error(`The run is ${run?.status}: ${run?.failure?.message}`);
      return run;
    },
    { timeout: 30_000, interval: 20 },
  );
}

export const finished = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];
