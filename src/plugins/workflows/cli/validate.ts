import type { CliAction } from "#weftline";
import { describeProblem } from "../provided/check.ts";
import { workflowEditor } from "../service/service.ts";
import { fileSources } from "../provided/sources.ts";

/** `weftline workflows validate` */
export const validateCommand: CliAction = {
  description: "validate workflow files against the configured plugins; stored agents and workflows are not looked up",
  arguments: [{ name: "files", description: "YAML or JSON files", presence: "rest" }],
  options: [{ flags: "--json", description: "print JSON" }],
  needs: "scratch",
  run: async ({ arguments: { files }, options, use, out, say }) => {
    const names = (files ?? []) as readonly string[];
    if (names.length === 0) {
      say("Name at least one file, as in: weftline workflows validate ./workflows/*.yaml");
      return 2;
    }
    const { workflows, problems } = await use(workflowEditor).check(await fileSources(names));
    if (options["json"]) {
      const valid = workflows.map(({ name, origin, definition }) => ({ file: origin, name, nodes: definition.nodes.length }));
      const wrong = problems.map(({ origin, line = null, path, message }) => ({ file: origin, line, path, message }));
      out(`${JSON.stringify({ valid, problems: wrong }, null, 2)}\n`);
    } else {
      for (const { name, origin, definition } of workflows) out(`${origin}: "${name}" is valid (${count(definition.nodes.length)})\n`);
      for (const problem of problems) out(`${describeProblem(problem)}\n`);
    }
    return problems.length === 0 ? 0 : 1;
  },
};

function count(nodes: number): string {
  return nodes === 1 ? "1 node" : `${nodes} nodes`;
}
