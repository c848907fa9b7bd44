import { WeftlineError, type CliAction, type CliContext } from "#weftline";
import { isFile } from "../definition/text-file.ts";
import { dependenciesOf } from "../definition/dependencies.ts";
import { workflowDiagram } from "../definition/diagram.ts";
import { readDefinition } from "../definition/read.ts";
import type { WorkflowDefinition } from "../definition/types.ts";
import { describeProblem } from "../provided/check.ts";
import { fileSources } from "../provided/sources.ts";
import { newestDefinition, resolveWorkflow } from "../service/find.ts";
import { readerOf, tenantOption } from "./list.ts";

/** `weftline workflows diagram` */
export const diagramCommand: CliAction = {
  description: "print a stored workflow or a file as a Mermaid diagram",
  arguments: [{ name: "workflow", description: "its name, or a YAML or JSON file" }],
  options: [tenantOption, { flags: "--json", description: "print nodes and dependencies as JSON" }],
  needs: "rows",
  run: async (ctx) => {
    const word = String(ctx.arguments["workflow"]);
    const definition = isFile(word) ? await ofFile(word) : await ofRow(ctx, word);
    if (!ctx.options["json"]) return void ctx.out(workflowDiagram(definition));
    const nodes = definition.nodes.map(({ key, kind, name }) => ({ key, kind, name }));
    ctx.out(`${JSON.stringify({ nodes, dependencies: dependenciesOf(definition.nodes) }, null, 2)}\n`);
  },
};

/** Of what is not valid there is no diagram, but what an expression or a name says does not matter to it. */
async function ofFile(file: string): Promise<WorkflowDefinition> {
  const { found, problems } = await fileSources([file]);
  const [source] = found;
  const read = readDefinition({ inputSchema: source?.content["inputSchema"], nodes: source?.content["nodes"] }, []);
  const [problem] = [...problems, ...read.problems.map((each) => ({ ...each, origin: file }))];
  if (read.definition && !problem) return read.definition;
  const message = problem ? describeProblem(problem) : `${file} holds no workflow.`;
  throw new WeftlineError("INVALID_INPUT", { message, fix: `Run: weftline workflows validate ${file}` });
}

async function ofRow({ scope, options }: CliContext, name: string): Promise<WorkflowDefinition> {
  const reader = scope(readerOf(options["tenant"]));
  return newestDefinition(reader, await resolveWorkflow(reader, { name }, []));
}
