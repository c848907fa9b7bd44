import type { CallToolResult, Tool } from "@modelcontextprotocol/client";
import pRetry from "p-retry";
import { WeftlineError, messageOf, type Logger, type ToolContext } from "#weftline";
import type { McpServerConfig } from "../config.ts";
import { isPartial, notUnderstood } from "./answer.ts";
import { redactorOf, type Redact } from "./secrets.ts";
import { openSession, SessionForgotten, type Session } from "./session.ts";
import type { UnusableTool } from "./tolerant.ts";
import { troubleOf, type Trouble } from "./trouble.ts";

/** A server that stayed that long is connected to at once when it goes; one that did not has to wait. */
const steadyMs = 10_000;
const waits = { minTimeout: 500, maxTimeout: 30_000, randomize: true, retries: Number.POSITIVE_INFINITY } as const;

/** How a server stands. */
export type Standing =
  | { readonly state: "CONNECTING" }
  | { readonly state: "CONNECTED" }
  | { readonly state: "AWAY"; readonly trouble: Trouble };

/** What a connection needs. */
export interface ConnectionOptions {
  readonly name: string;
  readonly server: McpServerConfig;
  readonly log: Logger;
  /** The server has these tools now; none where it is away. */
  offered(tools: readonly Tool[]): void;
}

/** A session that is in use, and what follows on it where the server forgets it. */
interface Held {
  readonly session: Session;
  /** What uses it. It is closed when all have their answers. */
  readonly calls: Set<Promise<unknown>>;
  /** Settles with the next session, or nothing where there is none. */
  readonly next: PromiseWithResolvers<Held | undefined>;
}

/** Holds on to one server: connects in the background, again whenever the server went away, until it is closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #redact: Redact;
  readonly #closing = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #standing: Standing = { state: "CONNECTING" };
  readonly #retiring = new Set<Promise<void>>();
  #held: Held | undefined;
  #work: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#redact = redactorOf(options.server);
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** What the server lists and nobody can use. */
  get unusable(): readonly UnusableTool[] {
    return this.#held?.session.unusable ?? [];
  }

  /** Settles when the first try has come to an end, whatever came of it. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  open(): void {
    this.#work ??= this.#hold();
  }

  /** Ends the connection, and a process with it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#settled.resolve();
    await this.#work;
    await Promise.all(this.#retiring);
  }

  /**
   * Calls a tool. Where the server has forgotten the session, it did nothing: the call is made once more, in a new one.
   *
   * @throws UNAVAILABLE where the server is away, TOOL_FAILED where it refuses, TOOL_OUTCOME_UNKNOWN where it goes away meanwhile.
   */
  async call(tool: string, args: Readonly<Record<string, unknown>>, ctx: ToolContext): Promise<CallToolResult> {
    const held = this.#held;
    if (!held) throw this.#away(this.#standing.state === "AWAY" ? this.#standing.trouble.reason : "it is not connected yet");
    try {
      return await this.#callIn(held, tool, args, ctx);
    } catch (error) {
      if (!held.session.isForgotten(error)) throw this.#failureOf(error, tool, held, ctx);
      held.session.forget();
    }
    const stopped = once(ctx.signal);
    const next = await Promise.race([held.next.promise, stopped.promise]);
    stopped.forget();
    ctx.signal.throwIfAborted();
    if (!next) throw this.#away(this.#standing.state === "AWAY" ? this.#standing.trouble.reason : "it forgot the session");
    try {
      return await this.#callIn(next, tool, args, ctx);
    } catch (error) {
      throw this.#failureOf(error, tool, next, ctx);
    }
  }

  async #callIn(
    { session, calls }: Held,
    tool: string,
    args: Readonly<Record<string, unknown>>,
    { signal, progress, traceparent }: ToolContext,
  ): Promise<CallToolResult> {
    // The signal ends a call in time; the SDK's own limit would be in its way.
    const options = { signal, timeout: this.#options.server.timeoutMs + 1_000, onprogress: progress, traceparent };
    const answer = session.call(tool, args, options);
    calls.add(answer);
    try {
      const result = await answer;
      return result.isError || isPartial(result) ? { ...result, content: this.#clean(result) } : result;
    } finally {
      calls.delete(answer);
    }
  }

  #failureOf(error: unknown, tool: string, { session }: Held, { signal }: ToolContext): WeftlineError {
    const words = this.#redact(messageOf(error));
    if (isNotUnderstood(error)) return new WeftlineError("TOOL_FAILED", { tool, message: notUnderstood() });
    if (!signal.aborted) void session.look();
    if (isAnswer(error)) return new WeftlineError("TOOL_FAILED", { tool, message: words });
    if (isUnheard(error)) return this.#away(words);
    const { name } = this.#options;
    return new WeftlineError("TOOL_OUTCOME_UNKNOWN", { tool: `${name}.${tool}`, reason: `The MCP server "${name}": ${words}` });
  }

  #away(reason: string): WeftlineError {
    const what = `The MCP server "${this.#options.name}"`;
    return new WeftlineError("UNAVAILABLE", { what, reason, fix: "Try again when it is back." });
  }

  #clean({ content }: CallToolResult): CallToolResult["content"] {
    return content.map((block) => (block.type === "text" ? { ...block, text: this.#redact(block.text) } : block));
  }

  async #hold(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await pRetry(() => this.#stay(), { ...waits, signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  /** Connects and stays as long as the server does. @throws UNAVAILABLE where that was not for long. */
  async #stay(): Promise<void> {
    const { server, name } = this.#options;
    const { signal } = this.#closing;
    const since = performance.now();
    const stopped = once(signal);
    const why = await this.#follow(stopped.promise).catch((error: unknown) => error);
    stopped.forget();
    const held = this.#held;
    this.#held = undefined;
    await held?.session.close();
    if (!signal.aborted) this.#left(troubleOf(why, name, server, this.#redact));
    held?.next.resolve(undefined);
    this.#settled.resolve();
    if (signal.aborted || performance.now() - since >= steadyMs) return;
    throw new WeftlineError("UNAVAILABLE", { what: name, reason: "away", fix: "" });
  }

  /** Holds a session, and the next one at once where the server forgets it. Settles with why the last one ended. */
  async #follow(stopped: Promise<undefined>): Promise<unknown> {
    for (;;) {
      const { session } = await this.#connect();
      const why = await Promise.race([session.ended, stopped]);
      if (!(why instanceof SessionForgotten)) return why;
    }
  }

  /** Opens a session, which takes the place of the one before it. */
  async #connect(): Promise<Held> {
    const { server, log, name, offered } = this.#options;
    const { signal } = this.#closing;
    const session = await openSession({ server, signal, log, redact: this.#redact, changed: (tools) => this.#held && offered(tools) });
    const held: Held = { session, calls: new Set(), next: Promise.withResolvers() };
    const before = this.#held;
    this.#held = held;
    this.#standing = { state: "CONNECTED" };
    offered(session.tools);
    log.info(
      { server: name, tools: session.tools.length },
      before ? "began a new session with an MCP server" : "connected to an MCP server",
    );
    this.#settled.resolve();
    before?.next.resolve(held);
    if (before) this.#retire(before);
    return held;
  }

  /** Closes a forgotten session when its calls, which the server refuses one by one, have their answers. */
  #retire({ session, calls }: Held): void {
    const stopped = once(this.#closing.signal);
    const closed = Promise.race([Promise.allSettled(calls), stopped.promise])
      .then(() => session.close())
      .finally(() => {
        stopped.forget();
        this.#retiring.delete(closed);
      });
    this.#retiring.add(closed);
  }

  #left(trouble: Trouble): void {
    const { name, log, offered } = this.#options;
    const known = this.#standing.state === "AWAY" && this.#standing.trouble.reason === trouble.reason;
    this.#standing = { state: "AWAY", trouble };
    if (known) return;
    log.warn({ server: name, ...trouble }, "an MCP server is away");
    offered([]);
  }
}

/** Whether the server answered with something that is no result of a tool: the tool has run. */
function isNotUnderstood(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // An answer that is no JSON, or no message of the protocol, came with the status of success.
  return error instanceof SyntaxError || error.name === "ZodError" || ("code" in error && error.code === "INVALID_RESULT");
}

/** Whether the server said no, in contrast to nothing. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** Whether the server has not heard the call, or did not let it in. */
function isUnheard(error: unknown): boolean {
  const { code, status, cause } = (error ?? {}) as { readonly code?: unknown; readonly status?: unknown; readonly cause?: unknown };
  if (typeof status === "number") return status < 500;
  if (["NOT_CONNECTED", "ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH"].includes(String(code))) return true;
  return cause !== undefined && isUnheard(cause);
}

function once(signal: AbortSignal): { readonly promise: Promise<undefined>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener("abort", stop, { once: true });
  return { promise, forget: () => signal.removeEventListener("abort", stop) };
}
