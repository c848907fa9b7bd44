import { isTerminal, type RunStatus } from "../../../src/core/runs/types.ts";
import type { World } from "./world.ts";

/** What a run asks. */
export interface Asked {
  readonly id: string;
  readonly kind: string;
  readonly argumentsHash: string | null;
  readonly arguments: { readonly id?: string } | null;
  readonly toolName: string | null;
  readonly message: string;
  readonly allowed: readonly string[];
}

export interface Seen {
  readonly id: string;
  readonly status: RunStatus;
  readonly output: unknown;
  readonly text: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

const seen = "id status output text failure { code message }";
const asked = "id kind argumentsHash arguments toolName message allowed";

/** Starts a run, as often as it takes: the key makes it one. @returns its id. */
export async function start(world: World, target: object, key: string, more: object = {}): Promise<string> {
  const { run } = await world.change<{ run: { id: string } }>("startRun", { target, idempotencyKey: key, ...more }, "run { id }");
  return run.id;
}

export async function look(world: World, run: string): Promise<Seen> {
  const { run: found } = await world.ask<{ run: Seen }>(`query ($id: ID!) { run(id: $id) { ${seen} } }`, { id: run });
  return found;
}

/** What ada may decide now, whichever run asks it. */
export async function pending(world: World): Promise<readonly Asked[]> {
  const { interrupts } = await world.ask<{ interrupts: { nodes: Asked[] } }>(
    `{ interrupts(decidable: true, first: 100) { nodes { ${asked} } } }`,
  );
  return interrupts.nodes;
}

/** Decides one question; two that decide it alike are no conflict. */
export async function decide(world: World, { id, argumentsHash }: Asked, decision: object): Promise<void> {
  const input = { interrupt: id, ...(argumentsHash === null ? {} : { argumentsHash }), ...decision };
  await world.change("decideInterrupt", input, "__typename", ["CONFLICT", "DECISION_CONFLICT"]);
}

/** How a person decides: all is allowed, five is the answer, and of a call whose end nobody knows they look whether it had its effect. */
export function answerOf({ outside }: World, { kind, toolName, arguments: given }: Asked): object {
  if (kind === "INPUT") return { kind: "ANSWER", payload: 5 };
  if (kind !== "UNCERTAIN") return { kind: "APPROVE" };
  const { id = "" } = given ?? {};
  const happened = outside.count(toolName ?? "", id) > 0;
  return happened ? { kind: "ANSWER", payload: `${toolName} ${id}` } : { kind: "APPROVE" };
}

/** Decides what is asked until a run has ended. @param decides whether a question is decided at all; each by default. */
export async function seeThrough(world: World, run: string, decides: (asked: Asked) => boolean = () => true): Promise<Seen> {
  return world.until(`the end of ${run}`, async () => {
    for (const question of await pending(world)) if (decides(question)) await decide(world, question, answerOf(world, question));
    const found = await look(world, run);
    return isTerminal(found.status) ? found : undefined;
  });
}

export function expect(what: string, found: unknown, wanted: unknown): void {
  const [is, should] = [found, wanted].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${what} is ${is}, not ${should}`);
}
