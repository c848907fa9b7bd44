import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

interface Line {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly path: string; readonly folder: string };
}

/**
 * In the place of Python: passes on what the platform and the real one say to each other, and writes what passes on the lines of runs to a file: what
 * the worker says as it is, and of what the platform says that it came.
 */
export function tap(python: string, file: string): void {
  const real = spawn(python, process.argv.slice(2), { stdio: ["pipe", "pipe", "inherit"] });
  real.stdout.pipe(process.stdout);
  real.once("exit", (code) => process.exit(code ?? 1));
  let turns = 0;
  createInterface({ input: process.stdin })
    .on("line", (text) => {
      const line = JSON.parse(text) as Line;
      const { params } = line;
      if (line.method !== "fork" || !params) return real.stdin.write(`${text}\n`);
      const path = join(params.folder, "tapped.sock");
      const turn = ++turns;
      const note = (entry: object): void => appendFileSync(file, `${JSON.stringify({ turn, ...entry })}\n`);
      const server = createServer((worker) => {
        server.close();
        between(worker, connect(params.path), note);
      });
      server.listen(path, () => real.stdin.write(`${JSON.stringify({ ...line, params: { ...params, path } })}\n`));
    })
    .once("close", () => real.stdin.end());
}

function between(worker: Socket, platform: Socket, note: (entry: object) => void): void {
  const forward = (from: Socket, to: Socket, entryOf: (line: Line) => object): void => {
    createInterface({ input: from })
      .on("error", () => undefined)
      .on("line", (text) => {
        note(entryOf(JSON.parse(text) as Line));
        to.write(`${text}\n`);
      });
    from.on("error", () => undefined).once("close", () => to.destroy());
  };
  forward(worker, platform, (line) => ({ says: { ...line, jsonrpc: undefined } }));
  forward(platform, worker, ({ id, method }) => ({ hears: method ?? id }));
}
