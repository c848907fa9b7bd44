import { commands, contribution } from "#weftline";
import { diagramCommand } from "./diagram.ts";
import { listCommand } from "./list.ts";
import { runCommand } from "./run/command.ts";
import { validateCommand } from "./validate.ts";

/** `weftline workflows …` */
export const workflowCommands = contribution(commands, "workflows", {
  description: "list, validate and draw workflows",
  subcommands: { list: listCommand, validate: validateCommand, diagram: diagramCommand },
});

/** `weftline run` */
export const runContribution = contribution(commands, "run", runCommand);
