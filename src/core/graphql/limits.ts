import { WeftlineError } from "../errors.ts";
import { serviceRef } from "../kernel/refs.ts";
import type { admission } from "./authenticate.ts";
import { maxPageSize } from "./connections.ts";

/** How much one caller may ask for. `Infinity` lifts a limit. docs/operations.md says what a client sees of each. */
export interface GraphLimits {
  /** Tokens of a document. */
  readonly tokens: number;
  /** How deep fields may nest. */
  readonly depth: number;
  /** Fields that an operation may resolve, counted before it runs: what stands below a page counts once an item of the page. */
  readonly cost: number;
  /** Items of one page, from 1 to 100. */
  readonly pageSize: number;
  /** Bytes of one request: of a body over HTTP as of a message over a socket. */
  readonly requestBytes: number;
  /** Bytes of texts and JSON in one answer, and in one event of a subscription. */
  readonly responseBytes: number;
  /** Bytes of requests of one viewer that have begun and not arrived whole. */
  readonly pendingBytesPerViewer: number;
  /** Milliseconds in which the headers of a request arrive. */
  readonly headersMs: number;
  /** Open operations of one socket; requests of one HTTP connection that are answered at a time. */
  readonly operationsPerSocket: number;
  /** Open sockets of one viewer; an event stream and a response of a plugin's route count as one. */
  readonly socketsPerViewer: number;
  /** The same of one address, and connections of it of which no viewer is known yet. */
  readonly socketsPerAddress: number;
  /** Both of the whole server. */
  readonly sockets: number;
  /** Requests of one viewer that are let in every second: those over HTTP, and operations and pings over sockets. */
  readonly requestsPerSecond: number;
  /** Requests beyond those that are let in within ten seconds. */
  readonly requestBurst: number;
  /** Runs of one viewer that have not ended. */
  readonly openRunsPerViewer: number;
  /** Bytes of JSON that one run may write: its events, the messages in them, and its checkpoints. */
  readonly runBytes: number;
  /** Bytes of JSON that one viewer may keep in messages, events and checkpoints. */
  readonly storedBytesPerViewer: number;
  /** The same of all viewers of a tenant. */
  readonly storedBytesPerTenant: number;
  /** Milliseconds that a response waits for a reader who takes nothing of it; event streams wait longer. */
  readonly stalledResponseMs: number;
}

/** The largest a mutation can be: 256 KiB of which each byte is escaped as six, and the rest. */
const largestMutation = 1.75 * 1024 * 1024;

/** Where callers need credentials. */
const shared: GraphLimits = {
  tokens: 2_000,
  depth: 20,
  cost: 100_000,
  pageSize: maxPageSize,
  requestBytes: largestMutation,
  responseBytes: 16 * 1024 * 1024,
  pendingBytesPerViewer: 64 * 1024 * 1024,
  headersMs: 10_000,
  operationsPerSocket: 50,
  socketsPerViewer: 1_000,
  socketsPerAddress: 2_000,
  sockets: 20_000,
  requestsPerSecond: 500,
  requestBurst: 10_000,
  openRunsPerViewer: 500,
  runBytes: 64 * 1024 * 1024,
  storedBytesPerViewer: 4 * 1024 ** 3,
  storedBytesPerTenant: 64 * 1024 ** 3,
  stalledResponseMs: 60_000,
};

/** Where there is one viewer, on a machine that nobody else reaches: how often it asks is its own affair. */
const local: GraphLimits = {
  ...shared,
  socketsPerViewer: Infinity,
  socketsPerAddress: Infinity,
  requestsPerSecond: Infinity,
  openRunsPerViewer: 10_000,
  storedBytesPerViewer: Infinity,
  storedBytesPerTenant: Infinity,
};

/** The limits of the host, for whoever enforces one; known when all plugins are set up. */
export const limitsService = serviceRef<() => GraphLimits>("weftline.limits");

/**
 * The limits that hold: those set, and for the rest the defaults of a host that lets callers in like this one.
 *
 * @param admits how callers are let in.
 */
export function limitsOf(set: Partial<GraphLimits> = {}, admits: ReturnType<typeof admission>): GraphLimits {
  return { ...(admits === "open" ? local : shared), ...set };
}

/** @throws CONFIG_INVALID for a limit that is none, or that is no number from 1 up. */
export function checkLimits(set: Readonly<Record<string, unknown>> = {}): void {
  for (const [name, value] of Object.entries(set)) {
    const problem = problemOf(name, value);
    if (problem !== undefined)
      throw new WeftlineError("CONFIG_INVALID", { file: "server.limits", problem, fix: "See docs/operations.md." });
  }
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(shared, name)) return `there is no limit "${name}"; there are ${Object.keys(shared).join(", ")}`;
  if (typeof value !== "number" || !(value >= 1)) return `${name} is not a number from 1 up`;
  return name === "pageSize" && value > maxPageSize ? `no page holds more than ${maxPageSize}` : undefined;
}
