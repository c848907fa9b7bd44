import { commands, contribution } from "#weftline";
import { diagramCommand } from "./diagram.ts";
import { listCommand } from "./list.ts";
import { validateCommand } from "./validate.ts";

/** `weftline workflows …` */
export const workflowCommands = contribution(commands, "workflows", {
  description: "list, validate and draw workflows",
  subcommands: { list: listCommand, validate: validateCommand, diagram: diagramCommand },
});
