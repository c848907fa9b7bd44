import type { Contribution } from "#weftline";
import type { PluginWorkflow } from "../definition/define.ts";
import { readWorkflowFile, readWorkflowFolder, type ReadFiles } from "../definition/files.ts";
import type { JsonObject } from "../definition/types.ts";
import type { Problem } from "../service/problems.ts";

/** A workflow as a file or a plugin has it, not yet checked. */
export interface WorkflowSource {
  /** As in `workflows/research.yaml` or `the plugin "example"`: where it is edited. */
  readonly origin: string;
  /** `name`, `description`, `inputSchema` and `nodes`; a file may hold anything. */
  readonly content: JsonObject;
  /** What a plugin says that it gives. */
  readonly outputSchema?: JsonObject | undefined;
  /** The line in which something stands, where there are lines. */
  readonly lineOf?: (path: readonly string[]) => number;
}

/** One thing that is wrong with a source, and where. */
export interface SourceProblem extends Problem {
  readonly origin: string;
  readonly line?: number;
}

/** Workflows that were read, and what could not be. */
export interface Sources {
  readonly found: readonly WorkflowSource[];
  readonly problems: readonly SourceProblem[];
}

/** The workflows of files. */
export async function fileSources(files: readonly string[]): Promise<Sources> {
  const read: Sources[] = [];
  for (const file of new Set(files)) read.push(sourcesIn(await readWorkflowFile(file)));
  return together(read);
}

/** The workflows of a folder, none without one, and of plugins. */
export async function installedSources(
  folder: string | undefined,
  contributed: ReadonlyMap<string, Contribution<PluginWorkflow>>,
): Promise<Sources> {
  const found = [...contributed.values()].map(({ plugin, value: { name, description, inputSchema, outputSchema, nodes } }) => ({
    origin: `the plugin "${plugin}"`,
    content: { name, nodes, ...(description === "" ? {} : { description }), ...(inputSchema ? { inputSchema } : {}) },
    outputSchema,
  }));
  const ofFolder = folder === undefined ? [] : [sourcesIn(await readWorkflowFolder(folder))];
  return together([{ found, problems: [] }, ...ofFolder]);
}

/** Of two files with one name the check tells. */
function sourcesIn({ files, problems }: ReadFiles): Sources {
  return {
    found: files.map(({ file, input, lineOf }) => ({ origin: file, content: input, lineOf })),
    problems: problems.filter(({ path }) => path.length === 0).map(({ file: origin, ...problem }) => ({ ...problem, origin })),
  };
}

function together(sources: readonly Sources[]): Sources {
  return { found: sources.flatMap(({ found }) => found), problems: sources.flatMap(({ problems }) => problems) };
}
