import { z } from "zod";
import type { Question, QuestionOutcome } from "#weftline";
import { nodeFailed } from "./node-failure.ts";
import type { StoredInterrupt } from "./saver.ts";

/** What an interrupt of a graph asks people, and what the graph goes on with when they have answered. */
export interface Asking {
  readonly questions: readonly Question[];
  /** @param outcomes one a question, in their order. */
  resume(outcomes: readonly QuestionOutcome[]): unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** A graph, here or on a server, can say anything. */
const questionBody = z.strictObject({
  kind: z.enum(["INPUT", "REVIEW"]),
  message: z.string(),
  allowed: z.array(z.enum(["APPROVE", "EDIT", "REJECT", "ANSWER"])).min(1),
  arguments: z.unknown().optional(),
  responseSchema: z.record(z.string(), z.unknown()).optional(),
  expiresInMs: z
    .number()
    .positive()
    .max(365 * 24 * 60 * 60 * 1000)
    .optional(),
});

/** How a node of a declared graph asks: it goes on with the outcome itself. */
export const platformQuestion = "weftline.question";

/** What `interrupt(value)` asks: as our own nodes, LangChain's human-in-the-loop middleware and Agent Inbox say it, or in any other way. */
export function askingOf(interrupt: StoredInterrupt): Asking {
  const key = `interrupt/${interrupt.id ?? ""}/${interrupt.question ?? interrupt.answered ?? 0}`;
  const { value } = interrupt;
  if (isFields(value)) {
    if (isFields(value[platformQuestion])) {
      return { questions: [{ ...bodyOf(value[platformQuestion]), key }], resume: ([outcome]) => outcome };
    }
    if (Array.isArray(value["actionRequests"])) return ofMiddleware(key, value);
    if (isFields(value["action_request"])) return ofInbox(key, [value], "one");
  }
  if (Array.isArray(value) && value.length > 0 && value.every((each) => isFields(each) && isFields(each["action_request"])))
    return ofInbox(key, value as Fields[], "list");
  const schema = interrupt.response_schema ?? (isFields(value) ? value["responseSchema"] : undefined);
  const question: Question = {
    key,
    kind: "INPUT",
    message: messageOf(value),
    ...(typeof value === "string" || value == null ? {} : { arguments: value }),
    ...(isFields(schema) ? { responseSchema: schema } : {}),
    allowed: ["ANSWER"],
  };
  return { questions: [question], resume: ([outcome]) => answered(outcome) };
}

function bodyOf(value: Fields): Omit<Question, "key"> {
  const { success, data, error } = questionBody.safeParse(value);
  if (success) return data as Omit<Question, "key">;
  const [issue] = error.issues;
  throw nodeFailed("interrupt", `its "${platformQuestion}" cannot be asked: ${[...(issue?.path ?? []), issue?.message].join(" ")}`);
}

function messageOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (!isFields(value)) return JSON.stringify(value ?? null);
  for (const name of ["message", "question", "description", "prompt", "text"]) if (typeof value[name] === "string") return value[name];
  return JSON.stringify(value);
}

function answered(outcome: QuestionOutcome | undefined): unknown {
  return outcome?.status === "RESOLVED" ? (outcome.decision.payload ?? null) : null;
}

const unanswered = "Nobody decided in time.";

const middlewareDecisions: ReadonlyMap<unknown, Question["allowed"][number]> = new Map([
  ["approve", "APPROVE"],
  ["edit", "EDIT"],
  ["reject", "REJECT"],
  ["respond", "ANSWER"],
]);

/** One question an action: each is approved, edited or rejected by itself. */
function ofMiddleware(key: string, { actionRequests, reviewConfigs }: Fields): Asking {
  const actions = (actionRequests as readonly unknown[]).filter(isFields);
  const configs = (Array.isArray(reviewConfigs) ? reviewConfigs : []).filter(isFields);
  const questions = actions.map((action, at): Question => {
    const config = configs.find(({ actionName }) => actionName === action["name"]);
    const allowed: readonly unknown[] = Array.isArray(config?.["allowedDecisions"]) ? config["allowedDecisions"] : ["approve", "reject"];
    return {
      key: `${key}/${at}`,
      kind: "REVIEW",
      message: typeof action["description"] === "string" ? action["description"] : `Allow "${String(action["name"])}"?`,
      arguments: action["args"] ?? {},
      ...(isFields(config?.["argsSchema"]) ? { responseSchema: config["argsSchema"] } : {}),
      allowed: allowed.flatMap((kind) => middlewareDecisions.get(kind) ?? []),
    };
  });
  const decisionOf = (outcome: QuestionOutcome | undefined, action: Fields): Fields => {
    if (outcome?.status !== "RESOLVED") return { type: "reject", message: unanswered };
    const { kind, payload, reason } = outcome.decision;
    if (kind === "APPROVE") return { type: "approve" };
    if (kind === "EDIT") return { type: "edit", editedAction: { name: action["name"], args: payload } };
    if (kind === "ANSWER") return { type: "respond", message: payload };
    return { type: "reject", ...(reason === undefined ? {} : { message: reason }) };
  };
  return { questions, resume: (outcomes) => ({ decisions: actions.map((action, at) => decisionOf(outcomes[at], action)) }) };
}

/** Agent Inbox: requests with a config of what a person may do. */
function ofInbox(key: string, requests: readonly Fields[], shape: "one" | "list"): Asking {
  const questions = requests.map((request, at): Question => {
    const action = request["action_request"] as Fields;
    const config = isFields(request["config"]) ? request["config"] : {};
    return {
      key: `${key}/${at}`,
      kind: "REVIEW",
      message: typeof request["description"] === "string" ? request["description"] : `Allow "${String(action["action"])}"?`,
      arguments: action["args"] ?? {},
      allowed: [
        ...(config["allow_accept"] === true ? (["APPROVE"] as const) : []),
        ...(config["allow_edit"] === true ? (["EDIT"] as const) : []),
        ...(config["allow_respond"] === true ? (["ANSWER"] as const) : []),
        ...(config["allow_ignore"] === true || config["allow_accept"] !== true ? (["REJECT"] as const) : []),
      ],
    };
  });
  const responseOf = (outcome: QuestionOutcome | undefined, request: Fields): Fields => {
    if (outcome?.status !== "RESOLVED") return { type: "ignore", args: null };
    const { kind, payload } = outcome.decision;
    if (kind === "APPROVE") return { type: "accept", args: null };
    if (kind === "EDIT") return { type: "edit", args: { ...(request["action_request"] as Fields), args: payload } };
    return kind === "ANSWER" ? { type: "response", args: payload } : { type: "ignore", args: null };
  };
  return {
    questions,
    resume: (outcomes) =>
      shape === "one" ? [responseOf(outcomes[0], requests[0] ?? {})] : requests.map((request, at) => responseOf(outcomes[at], request)),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
