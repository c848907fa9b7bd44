import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GraphQLError, type ExecutionResult } from "graphql";
import type { WeftlineConfig } from "../core/config.ts";
import type { Viewer } from "../core/database/viewer.ts";
import type { PluginList } from "../core/kernel/spec.ts";
import { createPlatform, type BootOptions, type Platform } from "../core/platform.ts";
import { testDoor } from "./door.ts";
import { defaultViewer } from "./viewers.ts";

/** What a platform for a test is made of. */
export interface TestPlatformOptions extends Pick<
  WeftlineConfig,
  "logLevel" | "pluginTimeouts" | "mode" | "simulation" | "database" | "secrets" | "outgoing"
> {
  readonly plugins: PluginList;
  /** The folder of the database, kept at close; a temporary one by default, removed at close. */
  readonly dataDir?: string;
  /**
   * Who may call over the network, each with its actor's id as the token: `Authorization: Bearer bob`. Where they are given, the
   * platform listens on a free port of this machine.
   */
  readonly viewers?: readonly Viewer[];
}

interface Booted {
  readonly platform: Platform;
  readonly url: string | undefined;
}

/** The variables of an operation. */
export type Variables = Readonly<Record<string, unknown>>;

/** A platform that runs in the test's process; without a port unless it was given viewers. */
export interface TestPlatform extends AsyncDisposable {
  /** The running platform; another one after {@link TestPlatform.restart}. */
  readonly platform: Platform;
  readonly dataDir: string;
  /** The graph's address, where the platform was given viewers; another one after {@link TestPlatform.restart}. */
  readonly url: string | undefined;
  /**
   * Runs a query or mutation as a viewer.
   *
   * @returns its data.
   * @throws AggregateError with the GraphQL errors where there are any.
   */
  graphql<Data = Record<string, unknown>>(query: string, variables?: Variables, viewer?: Viewer): Promise<Data>;
  /**
   * Opens a subscription as a viewer. The source is attached when the promise resolves: what happens from then on is heard.
   *
   * @returns the data of each event; ends the subscription when it is returned from.
   * @throws AggregateError with the GraphQL errors, at once or instead of an event.
   */
  subscribe<Data = Record<string, unknown>>(query: string, variables?: Variables, viewer?: Viewer): Promise<AsyncIterableIterator<Data>>;
  /** Closes the platform and boots another on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Boots a platform for a test: silent, migrated, in a folder of its own. Where the folder for temporary files has a folder
 * `weftline-test-templates`, migrated databases are kept there and copied instead of made again.
 *
 * @throws BOOT_FAILED as a host would.
 * @example
 * await using app = await testPlatform({ plugins: [hello()] });
 * expect(await app.graphql("{ helloGreeting }")).toEqual({ helloGreeting: "Hello world" });
 */
export async function testPlatform({
  plugins,
  dataDir,
  viewers,
  logLevel = "silent",
  ...host
}: TestPlatformOptions): Promise<TestPlatform> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), "weftline-test-"));
  const templates = join(tmpdir(), "weftline-test-templates");
  const options: BootOptions = { migrate: "automatic", ...(dataDir === undefined && existsSync(templates) ? { templates } : {}) };
  const boot = async (): Promise<Booted> => {
    const door = viewers && testDoor(viewers)();
    const platform = await createPlatform({ ...host, plugins: [plugins, door], dataDir: folder, logLevel }, options);
    return { platform, url: viewers && (await platform.listen({ host: "127.0.0.1", port: 0 })).url };
  };
  const leave = (): void => {
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
  };
  let booted = await boot().catch((error: unknown) => {
    leave();
    throw error;
  });
  const close = async (): Promise<void> => {
    await booted.platform.close();
    leave();
  };
  return {
    get platform() {
      return booted.platform;
    },
    get url() {
      return booted.url;
    },
    dataDir: folder,
    graphql: async <Data>(query: string, variables: Variables = {}, viewer: Viewer = defaultViewer) =>
      dataOf<Data>(await booted.platform.execute({ query, variables, viewer })),
    subscribe: async <Data>(query: string, variables: Variables = {}, viewer: Viewer = defaultViewer) => {
      const outcome = await booted.platform.subscribe({ query, variables, viewer });
      return Symbol.asyncIterator in outcome ? dataOfEach<Data>(outcome) : dataOf(outcome);
    },
    restart: async () => {
      await booted.platform.close();
      booted = await boot();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function dataOf<Data>({ data, errors }: ExecutionResult): Data {
  if (!errors || errors.length === 0) return data as Data;
  throw new AggregateError(errors, errors.map(describe).join("\n"));
}

function describe({ message, path, extensions }: GraphQLError): string {
  const place = path ? ` (at ${path.join(".")})` : "";
  const hint = extensions["code"] === "INTERNAL" ? ' To see why, give testPlatform logLevel: "error".' : "";
  return `${message}${place}${hint}`;
}

/** A stream that breaks off does so with one error; tests see it as they see those of an event. */
function rethrow(error: unknown): never {
  throw error instanceof GraphQLError ? new AggregateError([error], describe(error)) : error;
}

function dataOfEach<Data>(results: AsyncIterable<ExecutionResult>): AsyncIterableIterator<Data> {
  const source = results[Symbol.asyncIterator]();
  return {
    next: async () => {
      const result = await source.next().catch(rethrow);
      return result.done ? { value: undefined, done: true } : { value: dataOf<Data>(result.value), done: false };
    },
    return: async () => {
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
