import { commands, contribution } from "#weftline";
import { exportAgentCommand } from "./export-agent.ts";
import { exportThreadCommand } from "./export-thread.ts";
import { importCommand } from "./import.ts";
import { printSchemaCommand } from "./print-schema.ts";

/** `weftline export …` and `weftline import` */
export const transferCommands = [
  contribution(commands, "export", {
    description: "write a thread or an agent as JSON",
    subcommands: { thread: exportThreadCommand, agent: exportAgentCommand, schema: printSchemaCommand },
  }),
  contribution(commands, "import", importCommand),
];
