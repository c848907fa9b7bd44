import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Turn } from "./recording.ts";

interface Line {
  readonly id: number;
  readonly method?: string;
  readonly params: { readonly path: string };
}

/** In the place of Python: starts a process for each run, which says what CrewAI said. The file holds the turns that are to come. */
export function nursery(file: string): void {
  const say = (message: object): void => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
  let played = 0;
  let last = "";
  createInterface({ input: process.stdin }).on("line", (text) => {
    const { id, method, params } = JSON.parse(text) as Line;
    if (method === "initialize") return say({ id, result: {} });
    const turns = readFileSync(file, "utf8");
    played = turns === last ? played + 1 : 0;
    last = turns;
    const turn = JSON.stringify((JSON.parse(turns) as Turn[])[played] ?? []);
    const script = `import(${JSON.stringify(import.meta.url)}).then((its) => its.play(process.argv[1]));`;
    const child = spawn(process.execPath, ["-e", script, params.path], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    child.once("exit", (code) => say({ method: "exited", params: { pid: child.pid, code: code ?? -9 } }));
    child.stdin.end(turn);
    return say({ id, result: { pid: child.pid } });
  });
}

/** Says the turn that stands on standard input, each thing when all has come that CrewAI had heard before it said it. */
export function play(path: string): void {
  const turn = JSON.parse(readFileSync(0, "utf8")) as Turn;
  const line = connect(path);
  const heard = new Set<number | string>();
  let next = 0;
  const goOn = (): void => {
    for (let entry = turn[next]; entry; entry = turn[++next]) {
      if ("says" in entry) line.write(`${JSON.stringify({ jsonrpc: "2.0", ...entry.says })}\n`);
      else if (!heard.delete(entry.hears)) return;
    }
  };
  createInterface({ input: line })
    .on("error", () => undefined)
    .on("line", (text) => {
      const { id, method } = JSON.parse(text) as Line;
      heard.add(method ?? id);
      goOn();
    });
  line.on("error", () => undefined).once("close", () => process.exit(0));
}
