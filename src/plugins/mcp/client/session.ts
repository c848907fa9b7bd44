import { createInterface } from "node:readline";
import { Readable, type Stream } from "node:stream";
import type { CallToolResult, RequestOptions, Tool } from "@modelcontextprotocol/client";
import { messageOf, version, type Logger } from "#weftline";
import type { McpServerConfig } from "../config.ts";
import type { Redact } from "./secrets.ts";
import { readTools, type UnusableTool } from "./tolerant.ts";
import { wayTo } from "./transport.ts";

/** How long a server may take to answer while it is connected to. */
const connectMs = 30_000;
/** A process that says nothing to the question of the newest protocol speaks an older one. */
const probeMs = 10_000;
/** How often an address is asked whether it is still there. */
const lookMs = 30_000;
/** A session that a look finds forgotten sooner is one of a server that forgets all: that is waited out. */
const steadyMs = 1_000;

/** How a call is made, and the trace that it is part of: the server is told in its `_meta`. */
interface CallOptions extends RequestOptions {
  readonly traceparent?: string | undefined;
}

/** One connection to a server, from its beginning to its end. */
export interface Session {
  readonly tools: readonly Tool[];
  /** Of the tools that the server listed last. */
  readonly unusable: readonly UnusableTool[];
  /** Settles, never rejects, with why it ended. */
  readonly ended: Promise<Error>;
  call(name: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<CallToolResult>;
  /** Whether a call failed since the server does not know the session anymore: it did nothing. */
  isForgotten(error: unknown): boolean;
  /** Ends with {@link SessionForgotten}. */
  forget(): void;
  /** Looks whether the server is still there: ends where it is not. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** The server does not know the session anymore, as after its restart: it is to be asked for a new one. */
export class SessionForgotten extends Error {
  override readonly name = "SessionForgotten";
}

/** What a session is opened with. */
export interface SessionOptions {
  readonly server: McpServerConfig;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly redact: Redact;
  /** The server has other tools now. */
  changed(tools: readonly Tool[]): void;
}

/** Connects to a server and asks for its tools. @throws what went wrong, after all of it is closed again. */
export async function openSession({ server, signal, log, redact, changed }: SessionOptions): Promise<Session> {
  const [{ Client }, { transport, complaints }] = await Promise.all([import("@modelcontextprotocol/client"), wayTo(server)]);
  const ending = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const end = (why: Error): void => {
    ending.abort();
    resolve(why);
  };
  const lastWords = heard(complaints, (line) => log.debug({ line: redact(line) }, "an MCP server wrote to stderr"));
  const reading = readTools(transport);
  const client = new Client(
    { name: "weftline", version },
    {
      versionNegotiation: { mode: "auto", probe: { timeoutMs: probeMs } },
      listChanged: { tools: { debounceMs: 50, autoRefresh: false, onChanged: () => void look() } },
    },
  );
  Object.assign(client, {
    onerror: (error: Error) => log.debug({ reason: redact(error.message) }, "an MCP connection stumbled"),
    onclose: () => end(new Error(`the connection was closed${lastWords()}`)),
  });
  const options = { signal, timeout: connectMs };
  const ask = async (): Promise<readonly Tool[]> => {
    if (!client.getServerCapabilities()?.tools) return [];
    reading.reset();
    const { tools } = await client.listTools(undefined, { ...options, cacheMode: "refresh" });
    return tools.map((tool) => reading.original(tool));
  };
  const began = performance.now();
  const isForgotten = (error: unknown): boolean => transport.sessionId !== undefined && isUnknownSession(error);
  const forget = (): void => end(new SessionForgotten("the server forgot the session"));
  const look = async (): Promise<void> => {
    if (ending.signal.aborted) return;
    await ask().then(
      (now) => ending.signal.aborted || changed(now),
      (error: Error) => (isForgotten(error) && performance.now() - began > steadyMs ? forget() : end(error)),
    );
  };
  try {
    await client.connect(transport, options);
    const tools = await ask();
    const looking = "command" in server ? undefined : setInterval(() => void look(), lookMs).unref();
    return {
      tools,
      get unusable() {
        return reading.unusable;
      },
      ended,
      isForgotten,
      forget,
      look,
      call: (name, args, { traceparent, ...rest }) =>
        client.callTool({ name, arguments: { ...args }, ...(traceparent === undefined ? {} : { _meta: { traceparent } }) }, rest),
      close: async () => {
        clearInterval(looking);
        ending.abort();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    await transport.close();
    throw lastWords() === "" ? error : new Error(`${messageOf(error)}${lastWords()}`, { cause: error });
  }
}

/** Servers say 404, as the protocol has it, or that a request without a session they know is a bad one. */
function isUnknownSession(error: unknown): boolean {
  if (!(error instanceof Error) || !("status" in error)) return false;
  return error.status === 404 || (error.status === 400 && /session/i.test(error.message));
}

/** Reads what a process complains of; what it gives says the last of it. */
function heard(complaints: Stream | null | undefined, hear: (line: string) => void): () => string {
  let last = "";
  if (complaints instanceof Readable) {
    createInterface({ input: complaints }).on("line", (line) => {
      if (line.trim() !== "") last = line.trim().slice(0, 300);
      hear(line.slice(0, 2_000));
    });
  }
  return () => (last === "" ? "" : `; it wrote: ${last}`);
}
