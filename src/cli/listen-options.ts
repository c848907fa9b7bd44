import { InvalidArgumentError, type Command } from "commander";

/** The options of the commands that serve. */
export interface StartOptions {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly migrate?: true;
}

export function addListenOptions(command: Command): Command {
  return command
    .option("--host <host>", "the address to listen on")
    .option("--port <port>", "the port to listen on; 0 takes any free one", checkedPort)
    .option("--data <folder>", "the folder of the database and of files")
    .option("--migrate", "apply pending migrations before serving, also in production");
}

/** The options as they were given. */
export function startArguments({ host, port, data, migrate }: StartOptions): string[] {
  const values = Object.entries({ "--host": host, "--port": port, "--data": data });
  return [...values.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])), ...(migrate ? ["--migrate"] : [])];
}

function checkedPort(text: string): string {
  const port = Number(text);
  if (text !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return text;
  throw new InvalidArgumentError("It is a number from 0 to 65535.");
}
