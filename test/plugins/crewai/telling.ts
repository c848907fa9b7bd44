import type { LoggedEvent } from "../../../src/core/runs/events.ts";
import type { TestModel } from "./model.ts";
import { ended, type Shown, type ShownStep, type Theatre } from "./play.ts";
import type { Scene } from "./scenes.ts";

/** All that can be seen of a run, without ids, numbers and times: the same whichever engine played. */
export interface Telling {
  readonly status: string;
  readonly text: string | null;
  readonly failure: string | undefined;
  /** Kinds of events with what they are about, in their order. */
  readonly log: readonly string[];
  readonly steps: readonly ShownStep[];
  readonly questions: readonly unknown[];
  readonly modelCalls: number;
  /** What tools were called with. */
  readonly effects: readonly string[];
  /** Whose models were asked, in the order in which they were. */
  readonly asked: readonly string[];
}

/** Plays a scene to its end, a person answering each question with the scene's next decision. */
export async function tell(
  { theatre, provider }: { readonly theatre: Theatre; readonly provider: TestModel },
  { crew, input, decisions = [] }: Scene,
  agent: { readonly name: string; readonly engine: "python" | "typescript" },
): Promise<Telling> {
  const [askedBefore, effectsBefore] = [provider.asked.length, theatre.effects.length];
  await theatre.agent(agent.name, { crew, engine: agent.engine });
  const id = await theatre.start(agent.name, input);
  for (const decision of decisions) await theatre.decide(await theatre.question(id), decision);
  const run = await theatre.until(id, ended);
  const log = await theatre.log(id);
  const engine = log.find(({ kind }) => kind === "custom")?.payload as { readonly data: { readonly engine: string } } | undefined;
  if (engine?.data.engine !== agent.engine) throw new Error(`The ${engine?.data.engine} engine played instead of ${agent.engine}.`);
  return {
    ...seenOf(run),
    log: outline(log),
    effects: theatre.effects.slice(effectsBefore),
    asked: provider.asked.slice(askedBefore).map(({ role }) => role),
  };
}

/** A telling without what the engines need not have in common. */
export function common({ log, steps, asked, ...telling }: Telling, { differs }: Scene): Telling {
  const words = (line: string): string => (differs === "words" ? line.replace(/(The crew did not come to an end): .*/, "$1") : line);
  const all = { log: log.map(words), steps: steps.map((step) => ({ ...step, error: step.error === null ? null : words(step.error) })) };
  if (differs !== "order") return { ...telling, ...all, asked };
  const sorted = all.steps.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  return { ...telling, log: all.log.toSorted(), steps: sorted, asked: asked.toSorted() };
}

function seenOf({ status, text, failure, usage, steps, interrupts }: Shown) {
  const questions = interrupts.nodes.map((question) => ({ ...question, id: undefined, argumentsHash: undefined }));
  return { status, text, failure: failure?.code, steps: steps.nodes, questions, modelCalls: usage.modelCalls };
}

interface Payload {
  readonly s?: number;
  readonly c?: number;
  readonly name?: string;
  readonly stepKind?: string;
  readonly status?: string;
  readonly attempt?: number;
  readonly text?: string;
  readonly arguments?: unknown;
  readonly result?: unknown;
  readonly error?: string;
  readonly patch?: unknown;
}

function outline(log: readonly LoggedEvent[]): string[] {
  const steps = new Map<number, string>();
  const calls = new Map<number, string>();
  return log.flatMap(({ kind, payload }) => {
    const { s, c, name, stepKind, status, attempt, text, arguments: args, result, error, patch } = payload as Payload;
    if (kind === "step.started") steps.set(s ?? 0, `${stepKind} ${name}`);
    if (kind === "tool.requested") calls.set(c ?? 0, name ?? "");
    // How an answer is cut into pieces is the log's affair.
    if (kind === "message.delta" || (kind === "tool.arguments" && args === undefined)) return [];
    if (kind === "custom") return [`custom ${name}`];
    const about = s === undefined ? (c === undefined ? name : calls.get(c)) : steps.get(s);
    const told = [attempt === undefined ? "" : `#${attempt}`, status, text, args, result, error, patch].map((part) =>
      typeof part === "string" || part === undefined ? part : JSON.stringify(part),
    );
    return [[kind, about, ...told].filter(Boolean).join(" ")];
  });
}
