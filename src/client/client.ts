import { createClient, type Client } from "graphql-ws/client";
import { runDocument, threadDocument } from "./documents.ts";
import { WeftlineClientError, clientError, type ServerError } from "./errors.ts";
import type { RunEvent, ThreadEvent } from "./events.ts";
import { resumable } from "./resumable.ts";

export interface WeftlineClientOptions {
  /** The graph's address, as in `https://weftline.example.com/graphql`; `http` and `ws` schemes mean the same. */
  readonly url: string;
  /** Proves who calls. A function is asked at each connection, so that a token may expire. */
  readonly token?: string | (() => string | Promise<string>);
  /** A WebSocket class, where the platform has none of its own. */
  readonly webSocketImpl?: unknown;
  /** Told once when the connection that streams use is lost, and once when it is made again. */
  readonly onConnection?: (state: "lost" | "restored") => void;
}

/** Where to start in a stream, and when to stop. */
export interface FollowOptions {
  /** The last `seq` that was seen. Without it, or with null, a snapshot comes first. */
  readonly after?: number | null;
  readonly signal?: AbortSignal;
}

/** How any other stream is followed. */
export interface FollowStreamOptions<Data> extends FollowOptions {
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Reads the place in the stream from what one event carried. */
  readonly seq: (data: Data) => number;
}

/** A connection to one server: opened at the first use, opened again after a break. */
export interface WeftlineClient {
  /**
   * Follows a run to its last event, across broken connections and restarts of the server.
   *
   * @throws WeftlineClientError NOT_FOUND, INVALID_CURSOR, UNAUTHENTICATED, …
   * @example for await (const event of client.run(id)) if (event.__typename === "MessageDeltaEvent") show(event.text);
   */
  run(id: string, options?: FollowOptions): AsyncIterableIterator<RunEvent>;
  /** Follows a thread and its runs until it is deleted, in the same way. */
  thread(id: string, options?: FollowOptions): AsyncIterableIterator<ThreadEvent>;
  /**
   * Follows a subscription of your own that has a variable `after`, in the same way.
   *
   * @example client.follow<Data>(document, { variables: { run }, seq: ({ runEvents }) => runEvents.seq })
   */
  follow<Data>(query: string, options: FollowStreamOptions<Data>): AsyncIterableIterator<Data>;
  /**
   * Runs a query or mutation, once. Where a break may have swallowed its answer, send a mutation again with the same idempotencyKey.
   *
   * @returns its data.
   * @throws WeftlineClientError where it was refused or failed in part.
   */
  request<Data = Record<string, unknown>>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<Data>;
  /** Ends the streams and closes the connection. */
  close(): void;
}

const normalClosure = 1000;
const longestWaitMs = 10_000;
/** A server that says nothing for as long after a ping is taken for gone: a sleeping laptop is not told otherwise. */
const keepAliveMs = 10_000;

/**
 * Makes a client. It runs in browsers and in Node.
 *
 * @example
 * const client = createWeftlineClient({ url: "http://127.0.0.1:4400/graphql" });
 * for await (const event of client.thread(threadId)) render(event);
 */
export function createWeftlineClient(server: WeftlineClientOptions): WeftlineClient {
  const client = connect(server);
  const open = new Set<AbortController>();

  function follow<Event, Data>(
    document: string,
    { variables, seq, after = null, signal }: FollowStreamOptions<Data>,
    read: (data: Data) => Event,
  ) {
    const controller = new AbortController();
    open.add(controller);
    const source = resumable<Data>({
      client,
      query: document,
      variables: { ...variables, after },
      seq,
      signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal,
    });
    return mapped(source, read, () => open.delete(controller));
  }

  return {
    run: (run, options = {}) =>
      follow<RunEvent, { runEvents: RunEvent }>(
        runDocument,
        { ...options, variables: { run }, seq: ({ runEvents }) => runEvents.seq },
        ({ runEvents }) => runEvents,
      ),
    thread: (thread, options = {}) =>
      follow<ThreadEvent, { threadEvents: ThreadEvent }>(
        threadDocument,
        { ...options, variables: { thread }, seq: ({ threadEvents }) => threadEvents.seq },
        ({ threadEvents }) => threadEvents,
      ),
    follow: <Data>(query: string, options: FollowStreamOptions<Data>) => follow<Data, Data>(query, options, (data) => data),
    request: (query, variables = {}) => request(server, query, variables),
    close: () => {
      for (const controller of open) controller.abort();
      // It waits for a connection that is being made, perhaps to a server that is gone, and complains where there is none.
      Promise.resolve(client.dispose()).catch(() => undefined);
    },
  };
}

/** A connection that is made again as often as it takes; only a refused caller is told so. */
function connect({ url, token, webSocketImpl, onConnection }: WeftlineClientOptions): Client {
  let silence: ReturnType<typeof setTimeout> | undefined;
  let isLost = false;
  const lost = (): void => {
    if (!isLost) onConnection?.("lost");
    isLost = true;
  };
  const client: Client = createClient({
    url: url.replace(/^http/, "ws"),
    ...(webSocketImpl === undefined ? {} : { webSocketImpl }),
    connectionParams: async () => ({ token: await tokenOf(token) }),
    retryAttempts: Infinity,
    retryWait: wait,
    shouldRetry: (event) => (isClose(event) ? event.code !== 4403 : isFailedConnection(event)),
    keepAlive: keepAliveMs,
    on: {
      ping: (received) => {
        if (!received) silence = setTimeout(() => client.terminate(), keepAliveMs);
      },
      pong: (received) => {
        if (received) clearTimeout(silence);
      },
      connected: () => {
        if (isLost) onConnection?.("restored");
        isLost = false;
      },
      closed: (event) => {
        clearTimeout(silence);
        // It closes itself when no stream needs it.
        if (!isClose(event) || (event.code !== normalClosure && event.code !== 4403)) lost();
      },
    },
  });
  return client;
}

/** Over HTTP: the socket's client would send an operation again after a break, and a mutation must not run twice. */
async function request<Data>(
  { url, token }: WeftlineClientOptions,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Data> {
  const proof = await tokenOf(token);
  const headers = { "content-type": "application/json", ...(proof === undefined ? {} : { authorization: `Bearer ${proof}` }) };
  let answer: { readonly data?: Data | null; readonly errors?: readonly ServerError[] };
  try {
    const response = await fetch(url.replace(/^ws/, "http"), { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    answer = (await response.json()) as typeof answer;
  } catch (error) {
    throw clientError(error);
  }
  if (answer.errors) throw clientError(answer.errors);
  if (answer.data == null) throw new WeftlineClientError("The server answered without data.", "CONNECTION");
  return answer.data;
}

async function tokenOf(token: WeftlineClientOptions["token"]): Promise<string | undefined> {
  return typeof token === "function" ? token() : token;
}

function mapped<From, To>(source: AsyncIterableIterator<From>, read: (value: From) => To, onEnd: () => void): AsyncIterableIterator<To> {
  return {
    async next() {
      try {
        const result = await source.next();
        if (!result.done) return { value: read(result.value), done: false };
      } catch (error) {
        onEnd();
        throw error;
      }
      onEnd();
      return { value: undefined, done: true };
    },
    async return() {
      onEnd();
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** At once, then ever longer, and never all clients in one instant. */
function wait(attempt: number): Promise<void> {
  const longest = attempt === 0 ? 100 : Math.min(longestWaitMs, 250 * 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, longest / 2 + Math.random() * (longest / 2)));
}

function isClose(event: unknown): event is { readonly code: number } {
  return typeof event === "object" && event !== null && "code" in event;
}

function isFailedConnection(event: unknown): boolean {
  return typeof event === "object" && event !== null && "type" in event && event.type === "error";
}
