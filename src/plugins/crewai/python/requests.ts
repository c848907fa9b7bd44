import { WeftlineError } from "#weftline";
import { z } from "zod";
import { wireMessage } from "./messages.ts";

const shift = z.int().nullable();
/** The key of one of the crew's agents; nobody's is that of a manager that the crew does not name. */
const agent = z.string();
const task = z.string();
/** With all its keys: a record of zod's would lose one named `__proto__`. */
const jsonObject = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

const requests = {
  "task.wanted": z.object({ task }),
  "task.begun": z.object({ task }),
  "task.review": z.object({ shift, task, role: z.string(), output: z.string() }),
  "task.finished": z.object({ task, raw: z.string(), agent: z.string() }),
  "task.left": z.object({ task }),
  "shift.started": z.object({ shift: z.int(), parent: shift, task, agent, role: z.string(), work: z.unknown() }),
  "shift.finished": z.object({ shift: z.int(), output: z.string() }),
  "shift.left": z.object({ shift: z.int() }),
  "model.call": z.object({
    agent,
    task,
    shift,
    messages: z.array(wireMessage),
    tools: z.array(
      z.object({
        name: z.string(),
        platform: z.string().nullable(),
        description: z.string(),
        parameters: z.record(z.string(), z.unknown()),
      }),
    ),
    schema: z.record(z.string(), z.unknown()).nullable(),
  }),
  "tool.call": z.object({ shift: z.int(), name: z.string(), arguments: jsonObject }),
} as const;

type Method = keyof typeof requests;

/** What a request of one kind carries. */
export type Params<Kind extends Method> = z.output<(typeof requests)[Kind]>;

/** What CrewAI asks of the platform during a run. */
export type Request = { [Kind in Method]: { readonly method: Kind; readonly params: Params<Kind> } }[Method];

/** Reads what came over the line. @throws PROTOCOL_VIOLATION for what is no request of the protocol */
export function readRequest(method: string, params: unknown): Request {
  if (!isMethod(method)) throw brokenProtocol(`there is no request ${method}`);
  const read = requests[method].safeParse(params);
  if (read.success) return { method, params: read.data } as Request;
  const [issue] = read.error.issues;
  throw brokenProtocol(`${method} is not as it should be: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** Whose work a request is a part of: a piece of work, or a task between two of them. */
export function askerOf({ params }: Request): number | string {
  if (!("task" in params)) return params.shift;
  if ("shift" in params && params.shift !== null) return params.shift;
  return params.task;
}

/** The worker says what it should not. */
export function brokenProtocol(problem: string): WeftlineError {
  return new WeftlineError("PROTOCOL_VIOLATION", { plugin: "crewai", problem });
}

function isMethod(method: string): method is Method {
  return Object.hasOwn(requests, method);
}
