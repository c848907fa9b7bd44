import { z } from "zod";
import { openaiOptions } from "#plugins/openai";
import { graphDefinition, type GraphDefinition } from "./definition.ts";

const aboutGraph = "The graph: its declaration, or the name of one that the host provides. Without it: an agent that has its tools called.";

/** A union would say of a wrong declaration no more than that it is no name either. */
const graph = z
  .unknown()
  .transform((value, ctx): string | GraphDefinition => {
    if (typeof value === "string" && value !== "") return value;
    const parsed = graphDefinition.safeParse(value);
    if (parsed.success) return parsed.data as GraphDefinition;
    for (const { path, message } of parsed.error.issues) ctx.issues.push({ code: "custom", input: value, path: [...path], message });
    return z.NEVER;
  })
  .optional()
  .describe(aboutGraph);

/** What an agent of this framework can set: what every agent over OpenAI's protocol can, and its graph. */
export const langgraphOptions = openaiOptions.extend({
  graph,
  output: z.string().optional().describe("The value of the graph's state that is the run's output; its last message unless said."),
});

/** The same, of a host that provides graphs of these names. */
export function langgraphOptionsFor(names: () => readonly string[]): typeof langgraphOptions {
  return langgraphOptions.check((ctx) => {
    const { graph: named } = ctx.value;
    if (typeof named !== "string" || names().includes(named)) return;
    const message = `There is no graph "${named}"; there are ${names().join(", ") || "none"}.`;
    ctx.issues.push({ code: "custom", input: named, path: ["graph"], message });
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
