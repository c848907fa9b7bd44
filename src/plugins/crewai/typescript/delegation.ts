import type { CrewAgent } from "../definition/crew.ts";
import type { AskedCall, OfferedTool } from "../play/model-call.ts";

const delegate = "Delegate work to coworker";
const ask = "Ask question to coworker";

/** Work that one agent hands to another. */
export interface HandedOn {
  readonly coworker: string;
  readonly work: string;
  readonly context: string;
  readonly kind: "work" | "question";
}

const text = (description: string) => ({ type: "string", description });

/** The two tools by which an agent turns to its coworkers. The crew runs them itself. */
export function delegationTools(coworkers: readonly CrewAgent[]): OfferedTool[] {
  const names = coworkers.map(({ role }) => role).join("; ");
  const common = {
    context: text("All that they need to know: they know nothing of this yet."),
    coworker: text(`Whom: one of ${names}`),
  };
  const toolOf = (name: string, description: string, what: string, properties: Readonly<Record<string, unknown>>): OfferedTool => ({
    name,
    description,
    by: "crew",
    inputSchema: {
      type: "object",
      properties: { ...properties, ...common },
      required: [what, "context", "coworker"],
      additionalProperties: false,
    },
  });
  return [
    toolOf(delegate, `Gives a piece of work to one of: ${names}.`, "task", { task: text("What they are to do.") }),
    toolOf(ask, `Asks one of: ${names}.`, "question", { question: text("What you want to know.") }),
  ];
}

/** What a call hands on, or why it cannot. */
export function handedOn(call: AskedCall): HandedOn | string {
  let given: unknown;
  try {
    given = JSON.parse(call.arguments || "{}");
  } catch {
    return "The arguments are not JSON.";
  }
  const { coworker, context, task, question } = (given ?? {}) as Readonly<Record<string, unknown>>;
  const work = call.name === ask ? question : task;
  if (typeof coworker !== "string" || typeof work !== "string") return "Name a coworker and what they are to do.";
  return { coworker, work, context: typeof context === "string" ? context : "", kind: call.name === ask ? "question" : "work" };
}

/** A coworker by role, however it is written. */
export function coworkerNamed(name: string, coworkers: readonly CrewAgent[]): CrewAgent | undefined {
  const plain = (role: string): string =>
    role
      .toLowerCase()
      .replaceAll(/["'\s]+/g, " ")
      .trim();
  return coworkers.find(({ role, key }) => plain(role) === plain(name) || key === name);
}
