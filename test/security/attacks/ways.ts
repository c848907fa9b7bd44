import type { Served } from "../../graphql/fixture.ts";
import { until } from "../../graphql/fixture.ts";
import { raw } from "../../graphql/raw-socket.ts";

/** The three ways to the graph; what holds on one holds on all. */
export const ways = ["HTTP", "event stream", "socket"] as const;
export type Way = (typeof ways)[number];

/** An attack as it is sent. */
export interface Attack {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly token?: string;
}

/** What the attacker sees of it. */
export interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  /** All of it, word for word. */
  readonly text: string;
}

/** Asks once and waits for the whole answer. */
export async function ask(app: Served, way: Way, { query, variables = {}, token }: Attack): Promise<Answer> {
  if (way === "socket") return overSocket(app, { query, variables }, token);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (way === "HTTP") return answerOf(await (await app.post({ query, variables }, headers)).text());
  const text = await (await app.post({ query, variables }, { ...headers, accept: "text/event-stream" })).text();
  return answerOf(/^data: (\{.*\})$/m.exec(text)?.[1] ?? text);
}

/** The codes of what was refused. */
export function codesOf({ errors }: Answer): unknown[] {
  return errors.map(({ extensions }) => extensions["code"]);
}

async function overSocket(app: Served, payload: object, token: string | undefined): Promise<Answer> {
  const { socket, messages, send } = await raw(app.socket(), "init", token === undefined ? {} : { token });
  send({ id: "1", type: "subscribe", payload });
  await until(() => messages.some(({ type }) => type === "next" || type === "error"));
  const found = messages.find(({ type }) => type === "next" || type === "error");
  socket.terminate();
  return answerOf(JSON.stringify(found?.type === "error" ? { errors: found.payload } : found?.payload));
}

function answerOf(text: string): Answer {
  const { data, errors = [] } = JSON.parse(text) as Partial<Answer>;
  return { ...(data === undefined ? {} : { data }), errors, text };
}
