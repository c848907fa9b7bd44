type Writes = readonly (readonly [string, unknown])[];
type Versions = Readonly<Record<string, unknown>>;

/** What a checkpointer gives back, as far as tests look into it. */
export interface Tuple {
  readonly checkpoint: {
    readonly channel_versions: Versions;
    readonly versions_seen: Readonly<Record<string, Versions>>;
    readonly pending_sends?: Iterable<unknown>;
  };
}

/** The platform's checkpointer as LangGraph calls it. */
export interface Saver {
  put(config: unknown, checkpoint: object, ...rest: readonly unknown[]): Promise<unknown>;
  getTuple(config: unknown): Promise<Tuple | undefined>;
  putWrites(config: unknown, writes: Writes, task: string, path?: string): Promise<void>;
}

interface Lent {
  readonly configurable: { readonly __pregel_checkpointer: Saver };
}

/** A compiled graph whose LangGraph calls the platform's checkpointer in another way: what is given here stands in for the methods of those names. */
export function withSaver<Graph extends { stream: unknown }>(graph: Graph, change: (saver: Saver) => Partial<Saver>): Graph {
  const stream = (graph.stream as (input: unknown, config: Lent) => unknown).bind(graph);
  const lend = (config: Lent): Lent => {
    const saver = config.configurable.__pregel_checkpointer;
    const changed = change(saver);
    const get = (target: Saver, name: string): unknown => {
      if (Object.hasOwn(changed, name)) return changed[name as keyof Saver];
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    };
    return { ...config, configurable: { ...config.configurable, __pregel_checkpointer: new Proxy(saver, { get: get as never }) } };
  };
  return Object.assign(graph, { stream: (input: unknown, config: Lent) => stream(input, lend(config)) });
}
