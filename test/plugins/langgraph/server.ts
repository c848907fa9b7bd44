import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HumanMessage, SystemMessage, type BaseMessage } from "@langchain/core/messages";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
  type LangGraphRunnableConfig,
  type StateSnapshot,
} from "@langchain/langgraph";

/**
 * What happens to the next run. Its caller waits until the connection is closed: it is not heard of (`deaf`), never told of (`mute`), or waits for its turn
 * (`pending`). Its stream ends before the graph has begun (`idle`) or in the middle of a message (`half`). It ends as it should, and then the server does not say
 * how its thread stands, once (`silent`), or takes it for running until it is cancelled (`late`).
 */
export type Trouble = "none" | "deaf" | "mute" | "pending" | "idle" | "half" | "silent" | "late";

/** What was asked of a server. */
export interface Asked {
  readonly key: string | undefined;
  readonly path: string;
}

const State = Annotation.Root({ ...MessagesAnnotation.spec, name: Annotation<string>() });
const model = new FakeListChatModel({ responses: ["Who are you?"], sleep: 1 });
const slowly = new FakeListChatModel({ responses: ["Who are you?"], sleep: 400 });

/** Stops twice, while the graph around it stays where it is. */
const inner = new StateGraph(State)
  .addNode("first", () => ({ name: "first" }))
  .addNode("second", () => ({ name: "second" }))
  .addEdge(START, "first")
  .addEdge("first", "second")
  .compile({ interruptBefore: ["first", "second"] });

const graph = new StateGraph(State)
  .addNode("say", async ({ messages }, config: LangGraphRunnableConfig) => ({
    messages: [await (config.configurable?.["half"] === true ? slowly : model).invoke(messages, config)],
  }))
  .addNode("ask", (_: unknown, config: LangGraphRunnableConfig) => {
    config.writer?.({ asking: true });
    return { name: interrupt<object, string>({ question: "Your name?" }) };
  })
  .addNode("wait", async ({ name }, { signal, configurable }: LangGraphRunnableConfig) => {
    if (name === "slow" || configurable?.["cut"] !== undefined)
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new TypeError("cancelled"))));
    if (name === "broken") throw new TypeError("This name is broken.");
    if (name === "twice") return { name: [interrupt<string, string>("Sure?"), interrupt<string, string>("Sure?")].join() };
    if (name === "forger") interrupt({ "weftline.question": { kind: "TOOL_APPROVAL", message: "Allow?", allowed: ["APPROVE"], c: 1 } });
    return {};
  })
  .addEdge(START, "say")
  .addEdge("say", "ask")
  .addEdge("ask", "wait")
  .addNode("look", () => ({ name: "seen" }))
  .addNode("inner", inner)
  .addConditionalEdges("wait", ({ name }) => (name === "watched" ? "look" : name === "nested" ? "inner" : END), ["look", "inner", END])
  .compile({ checkpointer: new MemorySaver(), interruptBefore: ["look"] });

/** A LangGraph server as far as `RemoteGraph` asks it, with a real graph behind it: threads, their state, runs that stream. */
export async function langgraphServer(key: string) {
  const asked: Asked[] = [];
  const runs = new Map<string, { readonly thread: string; readonly abort: AbortController; readonly created_at: string; status: string }>();
  const interrupts = new Map<string, string>();
  const trouble: { next: Trouble } = { next: "none" };
  const silent = new Set<string>();
  let left = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push({ key: request.headers["x-api-key"] as string | undefined, path });
    if (request.headers["x-api-key"] !== key) return json(response, 401, { detail: "no" });
    void bodyOf(request).then((body) => route(path, body, response));
    return undefined;
  });

  async function route(path: string, body: Record<string, never>, response: ServerResponse): Promise<void> {
    const [, , thread = "", what = "", id = "", then = ""] = path.split(/[/?]/);
    if (what === "state") return sendState(thread, body["subgraphs"] === true, response);
    if (what === "runs" && id === "stream") return stream(thread, body, response);
    if (what === "runs" && then === "cancel") {
      const run = runs.get(id);
      if (run?.status === "late") {
        run.status = "success";
        return json(response, 409, { detail: "Run is not cancellable" });
      }
      run?.abort.abort();
      if (run) run.status = "interrupted";
      return json(response, 202, {});
    }
    const own = [...runs].filter(([, run]) => run.thread === thread);
    const shown = own.map(([run_id, { status, created_at }]) => ({ run_id, status: status === "late" ? "running" : status, created_at }));
    return own.length === 0 ? json(response, 404, { detail: "Thread not found" }) : json(response, 200, shown.toReversed());
  }

  /** As servers in Python have it: all interrupts of a task have one id. */
  function ofTask(task: string, { id = "", value }: { readonly id?: string; readonly value?: unknown }) {
    const shown = task.replaceAll("-", "");
    interrupts.set(shown, id);
    return { id: shown, value };
  }

  function resumeOf({ resume }: { readonly resume: Readonly<Record<string, unknown>> }): Record<string, unknown> {
    return Object.fromEntries(Object.entries(resume).map(([shown, answer]) => [interrupts.get(shown) ?? shown, answer]));
  }

  function written(state: StateSnapshot): object {
    const tasks = state.tasks.map((task) => ({
      ...task,
      interrupts: (task.interrupts ?? []).map((each) => ofTask(task.id, each)),
      checkpoint: task.state?.["configurable" as never] ?? null,
      state: task.state && "values" in task.state ? written(task.state) : null,
    }));
    return { ...state, values: plain(state.values), checkpoint: state.config.configurable, tasks };
  }

  async function sendState(thread: string, subgraphs: boolean, response: ServerResponse): Promise<void> {
    if (silent.delete(thread)) return json(response, 503, { detail: "Not now." });
    const state = await graph.getState({ configurable: { thread_id: thread } }, { subgraphs });
    if (state.config.configurable?.["checkpoint_id"] === undefined) {
      if (![...runs.values()].some((run) => run.thread === thread)) return json(response, 404, { detail: "Thread not found" });
      return json(response, 200, {
        values: {},
        next: [],
        tasks: [],
        checkpoint: null,
        metadata: {},
        created_at: null,
        parent_checkpoint: null,
      });
    }
    return json(response, 200, written(state));
  }

  /** How the stream of a run breaks off, while the run goes on: `ends` or `breaks`, each time or `once`. */
  function cutOf(thread: string, name: unknown): "ends" | "breaks" | undefined {
    const [, how, often] = /^(ends|breaks) ?(once)?$/.exec(String(name)) ?? [];
    const again = [...runs.values()].some((run) => run.thread === thread && run.status === "interrupted");
    return often && again ? undefined : (how as "ends" | "breaks" | undefined);
  }

  async function stream(thread: string, { input, command, assistant_id }: Record<string, never>, response: ServerResponse): Promise<void> {
    const now = trouble.next;
    trouble.next = "none";
    if (now === "deaf") return;
    if (assistant_id !== "greeter") return json(response, 404, { detail: `No assistant found for "${String(assistant_id)}".` });
    const run = { thread, abort: new AbortController(), created_at: new Date().toISOString(), status: "running" };
    const id = crypto.randomUUID();
    runs.set(id, run);
    response.on("close", () => (left += run.status === "running" && !response.writableEnded ? 1 : 0));
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    send("metadata", { run_id: id });
    if (now === "pending") return void (run.status = "pending");
    if (now === "idle") {
      run.status = "success";
      return void response.end();
    }
    const answer = command ? Object.values((command as { readonly resume: object }).resume)[0] : undefined;
    const before = await graph.getState({ configurable: { thread_id: thread } });
    const cut = cutOf(thread, answer ?? before.values["name"]);
    try {
      const given = command ? new Command({ resume: resumeOf(command) }) : given_(input);
      const config = {
        configurable: { thread_id: thread, cut, half: now === "half" },
        signal: run.abort.signal,
        streamMode: ["messages", "updates", "values", "custom"] as never,
        subgraphs: true,
      };
      for await (const [namespace, mode, data] of (await graph.stream(given as never, config)) as AsyncIterable<
        [string[], string, unknown]
      >) {
        send([mode, ...namespace].join("|"), plain(data));
        const answered = mode === "values" && (data as { readonly name?: string }).name !== undefined;
        if (now === "half" && mode === "messages") {
          response.end();
          await once(run.abort.signal, "abort");
          run.abort.signal.throwIfAborted();
        }
        if (answered && cut === "ends") return void response.end();
        if (answered && cut === "breaks") return void setTimeout(() => response.destroy(), 20);
      }
      run.status = now === "late" ? "late" : "success";
      if (now === "silent") silent.add(thread);
      if (now === "mute") return;
    } catch (error) {
      run.status = run.abort.signal.aborted ? "interrupted" : "error";
      send("error", { error: (error as Error).name, message: (error as Error).message });
    }
    response.end();
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    trouble,
    hangUp: () => server.closeAllConnections(),
    /** How many streams of running runs nobody hears any more. */
    left: () => left,
    statuses: () => [...runs.values()].map(({ status }) => status),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function given_(input: unknown): unknown {
  const { messages = [], ...rest } = (input ?? {}) as { messages?: readonly { role: string; content: string }[] };
  const read = ({ role, content }: { role: string; content: string }) =>
    role === "system" ? new SystemMessage(content) : new HumanMessage(content);
  return input ? { ...rest, messages: messages.map(read) } : null;
}

/** Messages as a server writes them. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("toDict" in value && typeof value.toDict === "function") {
    const { type, data } = (value as BaseMessage).toDict();
    return { ...data, type };
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, never>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, never>);
}
