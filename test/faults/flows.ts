import type { RunEvent } from "../../src/client/index.ts";
import { effectsIn } from "./effects.ts";
import { allTexts } from "./memory-invariants.ts";
import { pause, Refused, type FaultyServer } from "./server.ts";
import { decideMutation, makeAgent, startRunMutation } from "./work.ts";

/** What a run of the flow is told. */
interface FlowInput {
  readonly id: string;
  readonly list: readonly number[];
}

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const transform = (key: string, expression: string, more: object = {}): object => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});

const remember = (key: string, text: string, more: object = {}): object => ({
  key,
  kind: "tool",
  config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW" } },
  ...more,
});

/** Waits, joins, asks, acts outside, starts a run below, and remembers. */
const nodes: readonly object[] = [
  transform("begin", "input.id"),
  { key: "nap", kind: "wait", config: { duration: "PT0.05S" } },
  { key: "call", kind: "wait", config: { signal: "go" } },
  { key: "ask", kind: "approval", ...after("begin"), config: { message: "Go on?" } },
  { key: "know", kind: "input", ...after("begin"), config: { message: "How many?", responseSchema: { type: "integer" } } },
  { key: "pay", kind: "tool", ...after("ask"), undo: "refund", config: { tool: "faults.pay", arguments: { id: "{{ input.id }}" } } },
  { key: "refund", kind: "tool", config: { tool: "faults.refund", arguments: { id: "{{ input.id }}" } } },
  {
    key: "each",
    kind: "map",
    config: { over: "input.list", concurrency: 2, node: { kind: "transform", config: { expression: "item * 2" } } },
  },
  { key: "child", kind: "workflow", ...after("nap"), config: { workflow: "Below", input: { id: "{{ input.id }}" } } },
  remember("keep", "Order {{ input.id }} is large."),
  remember("wrong", "Order {{ input.id }} is lost.", after("keep")),
  {
    key: "drop",
    kind: "tool",
    ...after("wrong"),
    config: { tool: "memory.forget", arguments: { id: "{{ memory.filter(m, m.text.contains('lost'))[0].id }}" } },
  },
  { key: "tell", kind: "agent", ...after("drop"), config: { agent: "Keeper", text: "Remember that order {{ input.id }} is paid." } },
  transform("known", allTexts, { ...after("tell"), when: "memory.exists(m, m.text.contains('large'))" }),
  {
    key: "thank",
    kind: "tool",
    ...after("tell"),
    when: "memory.exists(m, m.text.contains('lost'))",
    config: { tool: "faults.pay", arguments: { id: "lost {{ input.id }}" } },
  },
  transform("first", '"first"', { ...after("nap", "call", "ask"), join: "ANY" }),
  transform(
    "end",
    '{"pay": nodes.pay.output, "call": nodes.call.output, "know": nodes.know.output, "each": nodes.each.output, "child": nodes.child.output, "known": nodes.known.output, "thank": nodes.thank.output}',
    after("first", "pay", "call", "know", "each", "child", "known", "thank"),
  ),
];

/** The only output that a run of the flow may have. */
export function outputOf({ id, list }: FlowInput): object {
  const known = [`Order ${id} is large.`, `order ${id} is paid.`];
  return {
    pay: `faults.pay ${id}`,
    call: { rows: 2 },
    know: 5,
    each: list.map((item) => item * 2),
    child: `below ${id}`,
    known,
    thank: null,
  };
}

export async function makeFlows(server: FaultyServer): Promise<void> {
  await makeAgent(server, {
    name: "Keeper",
    framework: "openai",
    model: "simulated/default",
    capabilities: ["memory.remember"],
    memory: { recall: true, scopes: ["WORKFLOW"] },
    idempotencyKey: "Keeper",
  });
  const poison = [
    transform("a", "1"),
    { key: "die", kind: "tool", ...after("a"), config: { tool: "faults.die", arguments: { id: "die" } } },
  ];
  const below = [{ key: "ask", kind: "approval", config: { message: "Below?" } }, transform("end", '"below " + input.id', after("ask"))];
  for (const [name, its] of Object.entries({ Below: below, Flow: nodes, Poison: poison })) {
    const { createWorkflow } = await server.insist<{ createWorkflow: { workflow?: object } }>(
      `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) {
        ... on CreateWorkflowPayload { workflow { id } } ... on UserError { message } ... on InvalidInputError { issues { path message } } } }`,
      { input: { name, nodes: its, idempotencyKey: name } },
    );
    if (!createWorkflow.workflow) throw new Error(JSON.stringify(createWorkflow));
  }
}

/** Starts a run of a workflow, however often it takes. @returns its id. */
export async function startFlow(server: FaultyServer, name: string, input: object, key: string): Promise<string> {
  const { startRun } = await server.insist<{ startRun: { run?: { id: string } } }>(startRunMutation, {
    input: { target: { workflow: { name } }, input, idempotencyKey: key },
  });
  if (!startRun.run) throw new Error(`startRun answered ${JSON.stringify(startRun)}`);
  return startRun.run.id;
}

/** Asks for a change until the store takes it. @returns the type of the answer. */
export async function insistOn(server: FaultyServer, mutation: string, variables: object): Promise<string> {
  for (;;) {
    try {
      const answer = await server.insist<Readonly<Record<string, { readonly __typename: string }>>>(mutation, variables);
      const type = Object.values(answer)[0]?.__typename ?? "";
      if (type !== "UnavailableError") return type;
    } catch (error) {
      if (!(error instanceof Refused && error.message.includes('"UNAVAILABLE"'))) throw error;
    }
    await pause(50);
  }
}

interface Question {
  readonly kind: string;
  readonly status: string;
  readonly argumentsHash: string | null;
  readonly toolName: string | null;
  readonly arguments: { readonly id?: string } | null;
}

/** Somebody who answers what runs ask. Of a call whose end nobody knows they look at the world whether it had its effect. */
export class Person {
  readonly #server: FaultyServer;
  readonly #decisions: Promise<void>[] = [];
  /** How many answers were taken, and how many of them were about calls whose end nobody knew. */
  readonly given = { decisions: 0, uncertain: 0 };

  constructor(server: FaultyServer) {
    this.#server = server;
  }

  readonly hear = (event: RunEvent): void => {
    if (event.__typename !== "InterruptEvent" || event.interruptStatus !== "PENDING") return;
    const decision = this.#decide(event.interruptId);
    // Whoever waits for the end is told; until then nobody listens.
    decision.catch(() => undefined);
    this.#decisions.push(decision);
  };

  /** Resolves when all that was heard is decided. */
  async done(): Promise<void> {
    await Promise.all(this.#decisions);
  }

  async #decide(interrupt: string): Promise<void> {
    const { node } = await this.#server.insist<{ node: Question | null }>(
      "query ($id: ID!) { node(id: $id) { ... on Interrupt { kind status argumentsHash toolName arguments } } }",
      { id: interrupt },
    );
    if (node?.status !== "PENDING") return;
    const { argumentsHash: hash } = node;
    const input = { interrupt, ...(hash === null ? {} : { argumentsHash: hash }), ...this.#answerTo(node) };
    const answer = await insistOn(this.#server, decideMutation, { input });
    if (answer !== "DecideInterruptPayload") return;
    this.given.decisions++;
    if (node.kind === "UNCERTAIN") this.given.uncertain++;
  }

  #answerTo({ kind, toolName, arguments: given }: Question): object {
    if (kind === "INPUT") return { kind: "ANSWER", payload: 5 };
    if (kind !== "UNCERTAIN" || toolName === "message.send") return { kind: "APPROVE" };
    const isDone = effectsIn(this.#server.folder).some(({ tool, id }) => tool === toolName && id === given?.id);
    return isDone ? { kind: "ANSWER", payload: `${toolName} ${given?.id}` } : { kind: "APPROVE" };
  }
}
