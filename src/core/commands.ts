import type { ReadStream, WriteStream } from "node:tty";
import type { WeftlineConfig } from "./config.ts";
import type { Viewer } from "./database/viewer.ts";
import type { Scope } from "./graphql/scope.ts";
import { extensionPoint, type ServiceRef } from "./kernel/refs.ts";
import type { MaybePromise } from "./kernel/spec.ts";

/** A word that follows a command's name. */
export interface CliArgument {
  readonly name: string;
  readonly description: string;
  /** `rest` takes all that follow, also none; required by default. */
  readonly presence?: "required" | "optional" | "rest";
}

/** A named option of a command. */
export interface CliOption {
  /** As help shows it: `--text <text>` takes a value, `--quiet` does not. */
  readonly flags: string;
  readonly description: string;
  readonly default?: string;
}

/** How a subscription is followed. */
export interface CliFollow<Data> {
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Reads the place in the stream from what one event carried. */
  readonly seq: (data: Data) => number;
  /** The last `seq` that was seen; a snapshot comes first without it. */
  readonly after?: number | null;
  /** Ends the stream when it aborts. */
  readonly signal?: AbortSignal;
  /** Told when the connection to a server is lost, and when it is made again. */
  readonly onConnection?: (state: "lost" | "restored") => void;
}

/** The graph as any client has it: of the host that the command booted, or of a server. */
export interface CliGraph {
  /** The address of the server; `undefined` for the host in this process. */
  readonly url: string | undefined;
  /**
   * Runs a query or mutation.
   *
   * @returns its data.
   * @throws an error with the code and the words of the graph.
   */
  request<Data = Record<string, unknown>>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<Data>;
  /**
   * Calls a route of the same server, such as the address of a file, with the same token. A host in this process listens on this machine alone from the
   * first call on.
   *
   * @throws UNAVAILABLE where the server cannot be reached.
   * @example const response = await graph.fetch(file.url);
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Follows a subscription that has a variable `after`. A broken connection is made again, and the stream goes on where it was.
   *
   * @throws an error with the code and the words of the graph.
   * @example
   * for await (const { runEvents } of graph.follow<Data>(document, { variables: { run }, seq: ({ runEvents }) => runEvents.seq })) show(runEvents);
   */
  follow<Data>(query: string, options: CliFollow<Data>): AsyncIterableIterator<Data>;
}

/** The terminal that a person looks at. */
export interface CliScreen {
  /** Standard error, where what is for people goes. */
  readonly output: WriteStream;
  /** Standard input; absent where it is no terminal, and nobody can be asked. */
  readonly input?: ReadStream;
  /** Whether it shows more than ASCII. */
  readonly unicode: boolean;
}

/** A colour or weight of text. */
export type Style = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

/** What a command is run with. */
export interface CliContext {
  /** By name, a `rest` one as a list. */
  readonly arguments: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** By name in camelCase; `true` for one that takes no value. */
  readonly options: Readonly<Record<string, string | true | undefined>>;
  readonly config: WeftlineConfig;
  /** Aborts at the first interrupt. */
  readonly signal: AbortSignal;
  /** Writes data to standard output. */
  out(text: string): void;
  /** Writes a line for people to standard error. */
  say(line: string): void;
  /** The same text, coloured where {@link CliContext.say} goes to a terminal that shows colours. */
  paint(style: Style, text: string): string;
  /** Absent where standard error is no terminal. */
  readonly screen: CliScreen | undefined;
  /** @throws UNAVAILABLE in a command that does not need the graph. */
  readonly graph: CliGraph;
  /** @throws UNAVAILABLE where nobody provides the service, and always in a command that needs no platform. */
  use<T>(ref: ServiceRef<T>): T;
  /** @throws UNAVAILABLE in a command that needs nothing, and where there is no database yet. */
  scope(viewer: Viewer): Scope;
}

/** A command of the `weftline` program that does something. */
export interface CliAction {
  readonly description: string;
  readonly arguments?: readonly CliArgument[];
  readonly options?: readonly CliOption[];
  /**
   * - `platform` boots the host and closes it afterwards, and is refused while a server runs on the data folder. The default.
   * - `graph` speaks with the graph of the host that it boots or, with its option `--url`, of a server: of the context there is `graph`.
   * - `scratch` boots the host on an empty data folder of its own, which is deleted afterwards: for what is installed, also beside a running server.
   * - `rows` reads the database, also beside a running server: of the context there is `scope`, which reads only.
   * - `nothing` only reads the configuration.
   */
  readonly needs?: "platform" | "graph" | "scratch" | "rows" | "nothing";
  /** @returns the exit code; 0 by default. */
  run(ctx: CliContext): MaybePromise<number | void>;
}

/** A command that only groups others, as `workflows` of `weftline workflows list`. */
export interface CliGroup {
  readonly description: string;
  /** By the word that follows the group's own. */
  readonly subcommands: Readonly<Record<string, CliAction>>;
}

/** A command of the `weftline` program, or a group of them. */
export type CliCommand = CliAction | CliGroup;

/**
 * Where plugins put commands, by the word that starts them. Contribute them statically, so that `weftline --help` lists them without
 * a boot.
 *
 * @example
 * contributes: [contribution(commands, "hello", {
 *   description: "Greets.",
 *   arguments: [{ name: "who", description: "Whom to greet." }],
 *   needs: "nothing",
 *   run: (ctx) => ctx.out(`Hello ${ctx.arguments["who"]}\n`),
 * })]
 */
export const commands = extensionPoint<CliCommand>("weftline.commands");
