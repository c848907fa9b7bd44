import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client, type ClientOptions, type ExecutionResult } from "graphql-ws";
import { WebSocket, type ClientOptions as SocketOptions } from "ws";
import { createChannel, definePlugin, perEvent, serviceRef, WeftlineError, type Channel, type GraphBuilder, type Viewer } from "#weftline";
import type { WeftlineConfig } from "../../src/core/config.ts";
import type { RunningServer } from "../../src/core/serving.ts";
import { createPlatform, type Platform } from "../../src/core/platform.ts";
import { auth } from "../../src/plugins/auth/index.ts";

/** A source that a test feeds, and what became of its readers. */
export interface Feed {
  readonly open: number;
  readonly opened: number;
  push(value: string): void;
}

/** What the test plugin knows: its feed, how often something was loaded, and how far endless sources were pulled. */
export interface Probe extends Feed {
  readonly loads: string[];
  readonly pulled: Map<string, number>;
  value: string;
  /** Hands one object to all readers of `probeSame`. */
  give(event: SameEvent): void;
}

/** What every reader of `probeSame` is given; it fails to resolve as often as it says. */
export interface SameEvent {
  readonly text: string;
  failures?: number;
}

export const probe = serviceRef<Probe & { follow(): Channel<string>; followSame(): Channel<SameEvent> }>("probe.probe");

/** Sources and failures of every sort, as a plugin adds them. */
export const probePlugin = definePlugin({
  id: "probe",
  provides: { probe },
  schema: addProbe,
  setup: () => ({ probe: createProbe() }),
});

function createProbe(): Probe & { follow(): Channel<string>; followSame(): Channel<SameEvent> } {
  const channels = new Set<Channel<string>>();
  const same = new Set<Channel<SameEvent>>();
  let opened = 0;
  return {
    loads: [],
    pulled: new Map(),
    value: "first",
    get open() {
      return channels.size + same.size;
    },
    get opened() {
      return opened;
    },
    push: (value) => {
      for (const channel of channels) channel.push(value);
    },
    give: (event) => {
      for (const channel of same) channel.push(event);
    },
    followSame: () => {
      const channel = createChannel<SameEvent>(() => same.delete(channel));
      same.add(channel);
      return Object.assign(channel, { events: "same" as const });
    },
    follow: () => {
      opened++;
      const channel = createChannel<string>(() => channels.delete(channel));
      channels.add(channel);
      return channel;
    },
  };
}

/** As many values as asked, ready at once: the fastest source there is. */
function count(to: number, pulled: (value: number) => void): AsyncIterator<number> {
  let at = 0;
  return {
    next: async () => {
      if (at >= to) return { value: undefined, done: true };
      pulled(++at);
      return { value: at, done: false };
    },
    return: async () => ({ value: undefined, done: true }),
  };
}

function addProbe(builder: GraphBuilder): void {
  builder.queryFields((t) => ({
    probeEcho: t.string({ args: { text: t.arg.string({ required: true }) }, resolve: (_, { text }) => text }),
    probeBug: t.string({
      resolve: () => {
        throw new Error("password=hunter2 at /secret/path");
      },
    }),
    probeExpected: t.string({
      args: { code: t.arg.string({ required: true }) },
      resolve: (_, { code }) => {
        throw new WeftlineError(code as never, { what: "thing", reason: "it is away.", fix: "Wait.", cursor: 7 });
      },
    }),
    probeNested: t.stringList({ args: { first: t.arg.int() }, resolve: () => [] }),
  }));
  builder.mutationField("probeTouch", (t) =>
    t.boolean({
      resolve: (_, __, scope) => {
        scope.use(probe).push("touched");
        return true;
      },
    }),
  );
  builder.subscriptionFields((t) => ({
    probeFeed: t.string({ subscribe: (_, __, scope) => perEvent(scope, scope.use(probe).follow()), resolve: (value) => value as string }),
    probeOwn: t.string({
      description: "Each viewer's own name, as it was loaded for this event.",
      subscribe: (_, __, scope) => perEvent(scope, scope.use(probe).follow()),
      resolve: async (value, _, scope) => {
        const { loads, value: current } = scope.use(probe);
        const loaded = await scope.load("probe", "only", async (ids) => {
          loads.push(scope.viewer.actorId);
          return ids.map(() => current);
        });
        return `${scope.viewer.actorId} ${value as string} ${loaded}`;
      },
    }),
    probeSame: t.string({
      description: "The viewer, what it asked for, and the event.",
      args: { after: t.arg.int(), name: t.arg.string(), times: t.arg.int() },
      subscribe: (_, __, scope) => perEvent(scope, scope.use(probe).followSame()),
      resolve: (value, { name, times }, scope) => {
        const event = value as SameEvent;
        scope.use(probe).loads.push(scope.viewer.actorId);
        if (event.failures && event.failures-- > 0) throw new WeftlineError("NOT_FOUND", { what: "thing" });
        return [scope.viewer.tenantId, scope.viewer.actorId, event.text, name, times].filter((part) => part != null).join(" ");
      },
    }),
    probeCount: t.int({
      args: { to: t.arg.int({ required: true }), name: t.arg.string({ required: true }) },
      subscribe: (_, { to, name }, scope) =>
        perEvent(
          scope,
          count(to, (at) => scope.use(probe).pulled.set(name, at)),
        ),
      resolve: (value) => value as number,
    }),
    probeBulk: t.string({
      args: { to: t.arg.int({ required: true }), name: t.arg.string({ required: true }), bytes: t.arg.int({ required: true }) },
      subscribe: (_, { to, name }, scope) =>
        perEvent(
          scope,
          count(to, (at) => scope.use(probe).pulled.set(name, at)),
        ),
      resolve: (value, { bytes }) => `${value as number} `.padEnd(bytes, "x"),
    }),
    probeRefused: t.string({
      subscribe: () => {
        throw new WeftlineError("NOT_FOUND", { what: "stream" });
      },
      resolve: () => "",
    }),
    probeBroken: t.string({
      subscribe: (_, __, scope) => perEvent(scope, brokenAfterOne()),
      resolve: (value) => value as string,
    }),
  }));
}

function brokenAfterOne(): AsyncIterator<string> {
  let at = 0;
  return {
    next: async () => {
      if (at++ > 0) throw new Error("password=hunter2");
      return { value: "one", done: false };
    },
  };
}

/** A platform that listens on a free port, in a folder of its own. */
export interface Served extends AsyncDisposable {
  readonly platform: Platform;
  readonly server: RunningServer;
  readonly probe: Probe;
  /** A request as a program sends it. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  client(options?: Partial<ClientOptions>): Client;
  socket(headers?: Record<string, string>, options?: SocketOptions): WebSocket;
}

export const tokens = { ada: "token-of-ada", bob: "token-of-bob" } as const;
export const viewers = [
  { token: tokens.ada, id: "ada", name: "Ada", roles: ["admin"] },
  { token: tokens.bob, id: "bob", tenant: "other" },
];
export const ada: Viewer = { tenantId: "default", actorId: "ada", name: "Ada", roles: ["admin"] };

export async function serve(config: Partial<WeftlineConfig> = {}): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-graphql-"));
  const platform = await createPlatform(
    { plugins: [auth(), probePlugin()], dataDir: folder, logLevel: "silent", ...config },
    { migrate: "automatic" },
  );
  const server = await platform.listen({ port: 0 });
  return {
    platform,
    server,
    probe: platform.use(probe),
    post: (body, headers = {}) =>
      fetch(server.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    client: (options = {}) =>
      createClient({ url: server.url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0, ...options }),
    socket: (headers = {}, options = {}) =>
      new WebSocket(server.url.replace("http", "ws"), "graphql-transport-ws", { headers, ...options }),
    [Symbol.asyncDispose]: async () => {
      await platform.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The results of an operation over a socket, at most as many as asked. */
export async function take(
  client: Client,
  query: string,
  most = Infinity,
  variables: Record<string, unknown> = {},
): Promise<ExecutionResult[]> {
  const results: ExecutionResult[] = [];
  for await (const result of client.iterate({ query, variables })) {
    results.push(result as ExecutionResult);
    if (results.length >= most) break;
  }
  return results;
}

/** Waits until something holds. */
export async function until(holds: () => boolean, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
