import { z } from "zod";
import { openaiOptions } from "#plugins/openai";
import type { GraphLibrary } from "./graph-library.ts";
import { graphDefinition, type GraphDefinition } from "./definition.ts";

const aboutGraph = "The graph: its declaration, or the name of one that the host provides. Without it: an agent that has its tools called.";

/** A union would say of a wrong declaration no more than that it is no name either. */
const graph = z
  .unknown()
  .transform((value, ctx): string | GraphDefinition => {
    if (typeof value === "string" && value !== "") return value;
    const hidden = placesOf("__proto__", value);
    // Zod leaves such a key out without a word.
    for (const path of hidden)
      ctx.issues.push({ code: "custom", input: value, path, message: "Choose another name: every object of JavaScript has this one." });
    const parsed = graphDefinition.safeParse(value);
    if (parsed.success && hidden.length === 0) return parsed.data as GraphDefinition;
    for (const issue of parsed.error?.issues ?? []) {
      // Of a name that is none, zod's own words would say only that.
      const { path, message } = issue;
      const words = issue.code === "invalid_key" ? issue.issues.map((each) => each.message).join(" ") : message;
      ctx.issues.push({ code: "custom", input: value, path: [...path], message: words });
    }
    return z.NEVER;
  })
  .optional()
  .describe(aboutGraph);

/** Where a key stands in a value, at any depth. */
function placesOf(key: string, value: unknown): string[][] {
  const found: string[][] = [];
  const open: [path: string[], value: unknown][] = [[[], value]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [path, each] = next;
    if (typeof each !== "object" || each === null) continue;
    for (const [name, inner] of Object.entries(each)) {
      if (name === key) found.push([...path, name]);
      open.push([[...path, name], inner]);
    }
  }
  return found;
}

/** What an agent of this framework can set: what every agent over OpenAI's protocol can, and its graph. */
export const langgraphOptions = openaiOptions.extend({
  graph,
  output: z.string().optional().describe("The value of the graph's state that is the run's output; its last message by default."),
});

/** What is said to the agent's model: a graph on a server has models of its own. */
const ofModel = ["temperature", "topP", "maxOutputTokens", "parallelToolCalls", "reasoningEffort", "api"] as const;

/** The same, of a host that provides these graphs. */
export function langgraphOptionsFor({ names, find }: GraphLibrary): typeof langgraphOptions {
  return langgraphOptions.check((ctx) => {
    const { graph: named } = ctx.value;
    if (typeof named !== "string") return;
    const refuse = (name: string, message: string): void =>
      void ctx.issues.push({ code: "custom", input: ctx.value, path: [name], message });
    if (!names().includes(named)) refuse("graph", `There is no graph "${named}"; there are ${names().join(", ") || "none"}.`);
    if (find(named)?.kind !== "remote") return;
    for (const name of ofModel)
      if (ctx.value[name] !== undefined)
        refuse(name, `The graph "${named}" is on a server, whose models hear nothing of this: leave it out.`);
  });
}

export type LangGraphOptions = z.output<typeof langgraphOptions>;

/** The options as JSON Schema, for forms. */
export const langgraphOptionsSchema = schemaOf();

function schemaOf(): Readonly<Record<string, unknown>> {
  const shape = z.toJSONSchema(langgraphOptions, { io: "input" });
  const { $schema: _, $defs, ...definition } = z.toJSONSchema(graphDefinition, { io: "input", reused: "inline" });
  const declared = { ...shape.properties, graph: { anyOf: [{ type: "string" }, { $ref: "#/$defs/graph" }], description: aboutGraph } };
  return { ...shape, properties: declared, $defs: { ...$defs, graph: definition } };
}
