import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { toolbox } from "./toolbox.ts";

process.stderr.write(`starting with ${process.env["TOKEN"] ?? "nothing"}\n`);
serveStdio(() => toolbox());
