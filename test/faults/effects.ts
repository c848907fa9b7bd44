import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contribution, tools, type ToolDefinition } from "#weftline";

/** What a tool did to the world: it stands in a file, which a kill takes nothing back of. */
interface Effect {
  readonly tool: string;
  readonly id: string;
}

const fileOf = (folder: string): string => join(folder, "effects.jsonl");

/** Everything that tools did, in order. */
export function effectsIn(folder: string): Effect[] {
  if (!existsSync(fileOf(folder))) return [];
  return readFileSync(fileOf(folder), "utf8")
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Effect]));
}

/** Tools that act on the world at once and answer a little later, so that a kill often comes between; none of them may do it twice. */
export function effectTools(folder: string) {
  const make = (name: string): ToolDefinition => ({
    name,
    description: `Does ${name}.`,
    inputSchema: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
    sideEffects: "EXTERNAL",
    approval: "NEVER",
    idempotent: false,
    timeoutMs: 10_000,
    execute: async ({ id }: { readonly id: string }) => {
      appendFileSync(fileOf(folder), `${JSON.stringify({ tool: name, id })}\n`);
      await new Promise((resolve) => setTimeout(resolve, 40));
      return `${name} ${id}`;
    },
  });
  const die: ToolDefinition = {
    ...make("faults.die"),
    idempotent: true,
    execute: () => {
      if (!existsSync(join(folder, "mended"))) process.kill(process.pid, "SIGKILL");
      return "alive";
    },
  };
  return [make("faults.pay"), make("faults.refund"), die].map((tool) => contribution(tools, tool.name, tool));
}

/** From now on the tool that kills its process does not. */
export function mend(folder: string): void {
  writeFileSync(join(folder, "mended"), "");
}
