import type { Contribution } from "#weftline";
import type { LangGraphConfig, RemoteSource } from "./config.ts";
import type { GraphSource } from "./contract.ts";
import { fileProblem, graphFile, importGraph, misconfigured, projectGraphs, type GraphFile } from "./graph-files.ts";

/** A graph that agents name. */
export type NamedGraph =
  | { readonly kind: "local"; readonly load: () => Promise<GraphSource> }
  | { readonly kind: "remote"; readonly source: RemoteSource; readonly graph: string };

/** The graphs that the host provides. */
export interface GraphLibrary {
  names(): readonly string[];
  find(name: string): NamedGraph | undefined;
}

/**
 * Gathers the graphs of the configuration and those of plugins. Files are imported at the first run that needs them.
 *
 * @throws PLUGIN_CONFIG_INVALID where a file is missing, or two graphs have one name.
 */
export function createGraphLibrary(
  { graphs, project, remotes }: LangGraphConfig,
  contributed: ReadonlyMap<string, Contribution<GraphSource>>,
): GraphLibrary {
  const found = new Map<string, NamedGraph>();
  const add = (name: string, graph: NamedGraph): void => {
    if (found.has(name)) throw misconfigured(`there are two graphs "${name}"`);
    found.set(name, graph);
  };
  const files = [...Object.entries(graphs).map(([name, text]) => [name, graphFile(text, process.cwd())] as const), ...filesOf(project)];
  for (const [name, file] of files) {
    const problem = fileProblem(file);
    if (problem !== undefined) throw misconfigured(`the graph "${name}": ${problem}`);
    add(name, { kind: "local", load: once(() => importGraph(name, file)) });
  }
  for (const [name, source] of Object.entries(remotes)) add(name, { kind: "remote", source, graph: source.graph ?? name });
  return {
    names: () => [...new Set([...found.keys(), ...contributed.keys()])],
    find: (name) => {
      const plugin = contributed.get(name);
      return found.get(name) ?? (plugin && { kind: "local", load: async () => plugin.value });
    },
  };
}

function filesOf(project: string | undefined): Iterable<readonly [string, GraphFile]> {
  return project === undefined ? [] : projectGraphs(project);
}

/** A file that did not load is tried again by the next run. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));
}
