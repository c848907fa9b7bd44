import type { RunEvent } from "../../src/client/index.ts";
import type { FaultyServer } from "./server.ts";

interface Answered {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
}

export const startRunMutation = `mutation ($input: StartRunInput!) {
  startRun(input: $input) { __typename ... on StartRunPayload { run { id status } } ... on UserError { code message } }
}`;
export const decideMutation = `mutation ($input: DecideInterruptInput!) {
  decideInterrupt(input: $input) { __typename ... on DecideInterruptPayload { interrupt { id } } ... on UserError { code message } }
}`;
export const signalMutation = `mutation ($run: ID!, $key: String!) {
  signalRun(run: $run, name: "go", payload: { rows: 2 }, idempotencyKey: $key) {
    __typename ... on SignalRunPayload { run { id } } ... on UserError { code message }
  }
}`;
export const pauseMutation = `mutation ($run: ID!) {
  pauseRun(run: $run) { __typename ... on PauseRunPayload { run { status } } ... on UserError { code message } }
}`;
export const resumeMutation = `mutation ($run: ID!) {
  resumeRun(run: $run) { __typename ... on ResumeRunPayload { run { status } } ... on UserError { code message } }
}`;
export const cancelMutation = `mutation ($run: ID!) {
  cancelRun(run: $run) { __typename ... on CancelRunPayload { run { id status } } ... on UserError { code message } }
}`;

/** Makes an agent. @returns its id. */
export async function makeAgent(server: FaultyServer, input: object): Promise<string> {
  const { createAgent } = await server.insist<{ createAgent: { agent: { id: string } } }>(
    `mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }`,
    { input },
  );
  return createAgent.agent.id;
}

/** An agent with the tools that the cases use. */
export const makeWorker = (server: FaultyServer, framework: "openai" | "langgraph" = "openai"): Promise<string> =>
  makeAgent(server, {
    name: `Worker on ${framework}`,
    framework,
    capabilities: ["time.now", "math.evaluate", "message.send"],
    idempotencyKey: `worker on ${framework}`,
  });

/** Starts a run, however often it takes. @returns the run's id. */
export async function startRun(server: FaultyServer, agent: string, text: string, key: string): Promise<string> {
  const input = { target: { agent: { id: agent } }, text, idempotencyKey: key };
  const { startRun: answer } = await server.insist<{ startRun: Answered & { run?: { id: string } } }>(startRunMutation, { input });
  if (!answer.run) throw new Error(`startRun answered ${JSON.stringify(answer)}`);
  return answer.run.id;
}

/** Approves what a run asks, however often it takes. @returns whether there was something to approve. */
async function approve(server: FaultyServer, event: RunEvent): Promise<string | undefined> {
  if (event.__typename !== "InterruptEvent" || event.interruptStatus !== "PENDING") return undefined;
  const { interruptId: interrupt } = event;
  const { node } = await server.insist<{ node: { argumentsHash: string | null; status: string } | null }>(
    `query ($id: ID!) { node(id: $id) { ... on Interrupt { argumentsHash status } } }`,
    { id: interrupt },
  );
  const input = { interrupt, kind: "APPROVE", ...(node?.argumentsHash == null ? {} : { argumentsHash: node.argumentsHash }) };
  const { decideInterrupt } = await server.insist<{ decideInterrupt: Answered }>(decideMutation, { input });
  return decideInterrupt.__typename;
}

/** Approves all that a run asks while it is followed. */
export function createApprover(server: FaultyServer) {
  const decisions: Promise<string | undefined>[] = [];
  return {
    onEvent(event: RunEvent): void {
      const decision = approve(server, event);
      // Whoever waits for the end is told; until then nobody listens.
      decision.catch(() => undefined);
      decisions.push(decision);
    },
    /** @returns how many were given. */
    done: async (): Promise<number> => (await Promise.all(decisions)).filter((answer) => answer === "DecideInterruptPayload").length,
  };
}

/** Texts that make a run use tools, wait for a person, or only talk. */
export const texts = {
  tools: (n: number): string => `Use time.now and math.evaluate with ${n} * 7 and then tell me about looms in 40 words.`,
  approval: (n: number): string => `Use message.send with {"to": "ada${n}@example.com", "subject": "Warp ${n}", "body": "Weft ${n}"}`,
  talk: (n: number): string => `Write 90 words about river number ${n}.`,
} as const;
