import type { Tool } from "@modelcontextprotocol/client";
import { hashOf, type Logger, type ToolDefinition, type ToolSource } from "#weftline";
import type { HealthCheck } from "#plugins/health";
import type { McpServerConfig } from "../config.ts";
import { Connection } from "./connection.ts";
import { definitionOf } from "./tool.ts";

type Remarks = Parameters<NonNullable<ToolSource["remarked"]>>[0];
const outcomeWords = { LEFT_OUT: "left out", PARTLY_UNCHECKED: "partly unchecked" } as const;

/** One MCP server as a source of tools. */
export class ServerSource implements ToolSource {
  readonly #name: string;
  readonly #server: McpServerConfig;
  readonly #connection: Connection;
  readonly #listeners = new Set<() => void>();
  /** By what the server said of each, so that what has not changed stays the same object. */
  #known = new Map<string, ToolDefinition | undefined>();
  #tools: readonly ToolDefinition[] = [];
  #remarks: Remarks = [];

  constructor(name: string, server: McpServerConfig, log: Logger) {
    this.#name = name;
    this.#server = server;
    this.#connection = new Connection({ name, server, log, offered: (tools) => this.#offer(tools) });
  }

  open(): void {
    this.#connection.open();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  list(): readonly ToolDefinition[] {
    return this.#tools;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  remarked(remarks: Remarks): void {
    this.#remarks = remarks;
  }

  ready(): Promise<void> {
    return this.#connection.settled;
  }

  health(): ReturnType<ToolSource["health"]> {
    const { standing } = this.#connection;
    if (standing.state === "CONNECTED") return { status: "UP" };
    if (standing.state === "CONNECTING") return { status: "DEGRADED", detail: "it is being connected to." };
    const { reason, fix } = standing.trouble;
    return { status: "DOWN", detail: `${reason}. ${fix} It is tried again by itself.` };
  }

  /** The platform can do without one of its tools, so that it is DEGRADED at worst. */
  readonly check: HealthCheck = () => {
    const health = this.health();
    if (health.status !== "UP") return { ...health, status: "DEGRADED" };
    const left = [
      ...this.#connection.unusable.map(({ name, problem }) => `${name} is left out: ${problem}`),
      ...this.#remarks.map(({ tool, outcome, problems }) => `${tool} is ${outcomeWords[outcome]}: ${problems.join("; ")}`),
    ];
    const out = this.#remarks.filter(({ outcome }) => outcome === "LEFT_OUT").length;
    return { status: "UP", detail: [`${this.#tools.length - out} tools`, ...left.slice(0, 20)].join("; ") };
  };

  #offer(tools: readonly Tool[]): void {
    const said = new Map(tools.map((tool) => [hashOf(tool), tool]));
    const now = new Map([...said].map(([key, tool]) => [key, this.#known.has(key) ? this.#known.get(key) : this.#define(tool)]));
    // While it is away they are kept for its return.
    if (tools.length > 0) this.#known = now;
    this.#tools = [...now.values()].filter((tool) => tool !== undefined);
    for (const listener of this.#listeners) listener();
  }

  #define(tool: Tool): ToolDefinition | undefined {
    return definitionOf(this.#name, this.#server, tool, (...call) => this.#connection.call(...call));
  }
}
