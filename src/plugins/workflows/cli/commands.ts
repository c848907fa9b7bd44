import { commands, contribution } from "#weftline";
import { listCommand } from "./list.ts";

/** `weftline workflows …` */
export const workflowCommands = contribution(commands, "workflows", {
  description: "list workflows",
  subcommands: { list: listCommand },
});
