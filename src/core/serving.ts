import type { ExecutionResult, GraphQLSchema } from "graphql";
import { v7 } from "uuid";
import type { WeftlineConfig } from "./config.ts";
import type { Viewer } from "./database/viewer.ts";
import { WeftlineError } from "./errors.ts";
import { Engine, type OperationOutcome, type OperationRequest } from "./graphql/engine.ts";
import type { ListenAddress } from "./graphql/bind.ts";
import { GraphServer, type Listening } from "./graphql/http.ts";
import { limitsService } from "./graphql/limits.ts";
import type { ScopeHost } from "./graphql/scope.ts";

/** An operation of this process itself. */
export interface LocalOperation extends OperationRequest {
  readonly viewer: Viewer;
  readonly requestId?: string;
}

/** A server that listens. */
export interface RunningServer extends Listening {
  /** Whether no socket is open and no request waits for its answer. */
  readonly isIdle: boolean;
  /** Refuses new work, lets sockets go with 1001, and cuts off what is left at the deadline (milliseconds, 5,000 by default). */
  close(deadlineMs?: number): Promise<void>;
}

/** How a host is reached. */
export interface Serving {
  /**
   * Runs a query or mutation through the same rules as a remote one.
   *
   * @returns its data and public errors.
   * @throws INVALID_INPUT for a subscription.
   * @example const { data, errors } = await platform.execute({ query: "{ viewer { name } }", viewer });
   */
  execute<Data = Record<string, unknown>>(operation: LocalOperation): Promise<ExecutionResult<Data>>;
  /**
   * Starts a subscription.
   *
   * @returns a stream whose source is attached, or one result with the errors that refused it.
   * @example
   * const changes = await platform.subscribe({ query: "subscription { changes { kind } }", viewer });
   * if (Symbol.asyncIterator in changes) for await (const { data } of changes) …
   */
  subscribe<Data = Record<string, unknown>>(
    operation: LocalOperation,
  ): Promise<AsyncIterableIterator<ExecutionResult<Data>> | ExecutionResult<Data>>;
  /**
   * Listens for HTTP, SSE and sockets; where the configuration says, unless told otherwise.
   *
   * @throws ADDRESS_IN_USE or BIND_WITHOUT_AUTH
   */
  listen(address?: Partial<ListenAddress>): Promise<RunningServer>;
  /** Closes the servers that listen. */
  stop(deadlineMs?: number): Promise<void>;
}

/** Makes the graph of a host reachable. */
export function createServing(config: WeftlineConfig, schema: GraphQLSchema, host: ScopeHost): Serving {
  const { server = {}, mode = "development" } = config;
  const inDevelopment = mode === "development" ? "on" : "off";
  const limits = host.use(limitsService);
  let made: Engine | undefined;
  const engine = (): Engine =>
    (made ??= new Engine({ schema, host, limits: limits(), introspection: server.introspection ?? inDevelopment }));
  const running = new Set<GraphServer>();

  const start = ({ viewer, requestId = v7(), ...request }: LocalOperation): Promise<OperationOutcome> =>
    engine().start(request, { viewer, requestId });

  return {
    async execute<Data>(operation: LocalOperation) {
      const outcome = await start(operation);
      if (!isStream(outcome)) return outcome as ExecutionResult<Data>;
      await outcome.return?.();
      throw new WeftlineError("INVALID_INPUT", { message: "A subscription is started with subscribe, not with execute." });
    },
    subscribe: async <Data>(operation: LocalOperation) =>
      (await start(operation)) as AsyncIterableIterator<ExecutionResult<Data>> | ExecutionResult<Data>,
    async listen(address = {}) {
      const graph = new GraphServer({
        engine: engine(),
        host,
        limits: limits(),
        origins: server.origins ?? [],
        trustedProxies: server.trustedProxies ?? [],
        graphiql: server.graphiql ?? inDevelopment,
        drainDelayMs: server.drainDelayMs ?? 0,
        mode,
      });
      const listening = await graph.listen({ host: address.host ?? server.host ?? "127.0.0.1", port: address.port ?? server.port ?? 4400 });
      running.add(graph);
      return {
        ...listening,
        get isIdle() {
          return graph.isIdle;
        },
        close: async (deadlineMs) => {
          running.delete(graph);
          await graph.close(deadlineMs);
        },
      };
    },
    async stop(deadlineMs) {
      await Promise.all([...running].map((graph) => graph.close(deadlineMs)));
      running.clear();
    },
  };
}

function isStream(outcome: OperationOutcome): outcome is Exclude<OperationOutcome, ExecutionResult> {
  return Symbol.asyncIterator in outcome;
}
