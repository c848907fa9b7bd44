import { isObject } from "../../definition/fields.ts";
import { fileProblemText, fileProblems, readWorkflowFile as readFile } from "../../definition/files.ts";
import type { InputProblem } from "./refused.ts";

/** A workflow as a file has it, with the agents that it brings. */
export interface WorkflowFile {
  readonly name: string;
  /** `CreateWorkflowInput`, as far as it was written. */
  readonly workflow: {
    readonly name: string;
    readonly description?: unknown;
    readonly inputSchema?: unknown;
    readonly nodes?: unknown;
  };
  /** `CreateAgentInput` each. */
  readonly agents: readonly object[];
  /** What is wrong with its form, as lines. What it declares is checked by the graph. */
  readonly problems: readonly string[];
  /** Problems as lines with the file, the line and the path. */
  describe(problems: readonly InputProblem[]): readonly string[];
}

const known: ReadonlySet<string> = new Set(["name", "description", "inputSchema", "nodes", "agents"]);

/** Reads a YAML or JSON file. */
export async function readWorkflowFile(path: string): Promise<WorkflowFile> {
  const { files, problems: unread } = await readFile(path);
  const [file] = files;
  if (!file) return { name: "", workflow: { name: "" }, agents: [], problems: unread.map(fileProblemText), describe: () => [] };
  const { agents = [], ...workflow } = Object.fromEntries(Object.entries(file.input).filter(([key]) => known.has(key)));
  const describe = (problems: readonly InputProblem[]): readonly string[] => fileProblems(file, problems).map(fileProblemText);
  const isList = Array.isArray(agents) && agents.every(isObject);
  const problems = [
    ...Object.keys(file.input)
      .filter((key) => !known.has(key))
      .map((key) => ({ path: [key], message: `A workflow has no "${key}".` })),
    ...(typeof workflow["name"] === "string" ? [] : [{ path: ["name"], message: "A workflow needs a name." }]),
    ...(Array.isArray(workflow["nodes"]) ? [] : [{ path: ["nodes"], message: "A workflow needs a list of nodes." }]),
    ...(isList ? [] : [{ path: ["agents"], message: "Agents are a list of objects." }]),
  ];
  const name = typeof workflow["name"] === "string" ? workflow["name"] : "";
  return {
    name,
    workflow: { ...workflow, name },
    agents: isList ? (agents as readonly object[]) : [],
    problems: describe(problems),
    describe,
  };
}
