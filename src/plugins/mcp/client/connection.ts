import type { CallToolResult, Tool } from "@modelcontextprotocol/client";
import pRetry from "p-retry";
import { WeftlineError, messageOf, type Logger, type ToolContext } from "#weftline";
import type { McpServerConfig } from "../config.ts";
import { redactorOf, type Redact } from "./secrets.ts";
import { openSession, type Session } from "./session.ts";
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

/** Holds on to one server: connects in the background, again whenever the server went away, until it is closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #redact: Redact;
  readonly #closing = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #standing: Standing = { state: "CONNECTING" };
  #session: Session | undefined;
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
    return this.#session?.unusable ?? [];
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
  }

  /**
   * Calls a tool.
   *
   * @throws UNAVAILABLE where the server is away or goes away, TOOL_FAILED where it refuses.
   */
  async call(tool: string, args: Readonly<Record<string, unknown>>, { signal, progress }: ToolContext): Promise<CallToolResult> {
    const { name, server } = this.#options;
    const session = this.#session;
    const away = (reason: string, cause?: unknown): WeftlineError =>
      new WeftlineError("UNAVAILABLE", { what: `The MCP server "${name}"`, reason, fix: "Try again when it is back." }, { cause });
    if (!session) throw away(this.#standing.state === "AWAY" ? this.#standing.trouble.reason : "it is not connected yet");
    try {
      // The signal ends a call in time; the SDK's own limit would be in its way.
      const result = await session.call(tool, args, { signal, timeout: server.timeoutMs + 1_000, onprogress: progress });
      return result.isError ? { ...result, content: this.#clean(result) } : result;
    } catch (error) {
      const words = this.#redact(messageOf(error));
      if (isNotUnderstood(error))
        throw new WeftlineError("TOOL_FAILED", {
          tool,
          message: "It has run, and its answer is not understood. Do not call it again for that.",
        });
      if (!signal.aborted) void session.look();
      if (isAnswer(error)) throw new WeftlineError("TOOL_FAILED", { tool, message: words });
      throw away(words);
    }
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
    const { server, log, name, offered } = this.#options;
    const { signal } = this.#closing;
    const since = performance.now();
    try {
      const session = await openSession({ server, signal, log, redact: this.#redact, changed: (tools) => this.#session && offered(tools) });
      this.#session = session;
      this.#standing = { state: "CONNECTED" };
      offered(session.tools);
      log.info({ server: name, tools: session.tools.length }, "connected to an MCP server");
      this.#settled.resolve();
      const stopped = once(signal);
      const why = await Promise.race([session.ended, stopped.promise]);
      stopped.forget();
      this.#session = undefined;
      await session.close();
      if (!signal.aborted) throw why;
    } catch (error) {
      if (signal.aborted) return;
      this.#left(troubleOf(error, name, server, this.#redact));
      if (performance.now() - since < steadyMs) throw new WeftlineError("UNAVAILABLE", { what: name, reason: "away", fix: "" });
    } finally {
      this.#settled.resolve();
    }
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
  return error instanceof Error && "code" in error && error.code === "INVALID_RESULT";
}

/** Whether the server said no, in contrast to nothing. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

function once(signal: AbortSignal): { readonly promise: Promise<undefined>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener("abort", stop, { once: true });
  return { promise, forget: () => signal.removeEventListener("abort", stop) };
}
