import { expect } from "vitest";
import { globalId, type Viewer } from "#weftline";
import type { Behaviour } from "../../../src/testing/index.ts";
import { ada, answers, look, root, start, usageFields, type Run, type Started, type World } from "./world.ts";

export interface BudgetData {
  readonly id: string;
  readonly scope: string;
  readonly scopeId: string | null;
  readonly period: string | null;
  readonly timeZone: string | null;
  readonly resetsAt: string | null;
  readonly maxCost: { readonly amount: string } | null;
  readonly tokenLimit: number | null;
  readonly onExceed: string;
  readonly spent: {
    readonly modelCalls: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cost: { readonly amount: string } | null;
  };
  readonly reserved: { readonly modelCalls: number; readonly cost: { readonly amount: string } | null };
}

export const budgetFields = `{ id scope scopeId period timeZone resetsAt maxCost { amount currency } tokenLimit onExceed spent ${usageFields} reserved ${usageFields} }`;

type SetResult = { readonly __typename: string; readonly budget?: BudgetData } & Record<string, unknown>;

export async function set({ app }: World, input: Record<string, unknown>, viewer: Viewer = root): Promise<SetResult> {
  const query = `mutation ($input: SetBudgetInput!) { result: setBudget(input: $input) { __typename ... on SetBudgetPayload { budget ${budgetFields} }
    ... on UserError { code message path } ... on InvalidInputError { issues { path message } } } }`;
  return (await app.graphql<{ result: SetResult }>(query, { input }, viewer)).result;
}

export async function budget(here: World, input: Record<string, unknown>): Promise<BudgetData> {
  const made = await set(here, { scope: "TENANT", onExceed: "DENY", ...input });
  expect(made, JSON.stringify(made)).toHaveProperty("budget");
  return made.budget as BudgetData;
}

export async function read({ app }: World, id: string, viewer: Viewer = ada): Promise<BudgetData | null> {
  return (
    await app.graphql<{ node: BudgetData | null }>(`query ($id: ID!) { node(id: $id) { ... on Budget ${budgetFields} } }`, { id }, viewer)
  ).node;
}

export const go = async (here: World, name: string, more: Record<string, unknown> = {}): Promise<Started> =>
  start(here, { target: { agent: { name } }, text: "Go.", ...more });

export async function until(here: World, id: string, states: readonly string[]): Promise<Run> {
  for (let tries = 0; tries < 1_500; tries++) {
    const run = await look(here, id);
    if (states.includes(run.status)) return run;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`It is ${(await look(here, id)).status}.`);
}

export const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

export interface Asked {
  readonly id: string;
  readonly kind: string;
  readonly message: string;
  readonly canDecide: boolean;
}

export async function asked({ app }: World, viewer: Viewer): Promise<Asked[]> {
  const query = "{ interrupts(kind: [BUDGET]) { nodes { id kind message canDecide } } }";
  return (await app.graphql<{ interrupts: { nodes: Asked[] } }>(query, {}, viewer)).interrupts.nodes;
}

export async function decide({ app }: World, interrupt: string, kind: string, viewer: Viewer): Promise<Record<string, unknown>> {
  const query = `mutation ($input: DecideInterruptInput!) { result: decideInterrupt(input: $input) { __typename ... on UserError { code message } } }`;
  return (await app.graphql<{ result: Record<string, unknown> }>(query, { input: { interrupt, kind } }, viewer)).result;
}

/** Holds every answer back until it is let go. */
export function gated(): { readonly behave: Behaviour; open(): void } {
  const gate = Promise.withResolvers<void>();
  return {
    behave: async (response, request) => {
      await gate.promise;
      await answers(response, request);
    },
    open: () => gate.resolve(),
  };
}

export const localId = (id: string): string => Buffer.from(id, "base64url").toString().split(":").slice(1).join(":");

export const me = (_: World, { tenantId, actorId }: Viewer): string => globalId("Actor", `${tenantId}/${actorId}`);
