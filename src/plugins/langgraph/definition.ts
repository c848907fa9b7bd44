import { characters } from "#weftline";
import { z } from "zod";
import { expressionProblem, templateProblem, textsIn } from "./expressions.ts";
import { problemsIn } from "./definition-problems.ts";

const name = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, "Begin with a letter; then letters, digits, _ and -; at most 64.")
  .refine((text) => !(text in Object.prototype), "Choose another name: every object of JavaScript has this one.")
  .describe("A name: letters, digits, _ and -.");

const expression = z
  .string()
  .check((ctx) => refuse(ctx, expressionProblem(ctx.value)))
  .meta({ maxLength: 2_000 })
  .describe('A CEL expression over state, input and what was sent to the node, as in `state.score > 3 && state.topic != ""`.');

const template = z
  .string()
  .superRefine(characters(0, 20_000))
  .meta({ maxLength: 20_000 })
  .check((ctx) => refuse(ctx, templateProblem(ctx.value)))
  .describe("A text in which `${expression}` is filled in.");

const filled = z
  .unknown()
  .check((ctx) => textsIn(ctx.value).forEach((text) => refuse(ctx, templateProblem(text))))
  .describe("JSON in whose texts `${expression}` is filled in; a text that is one expression alone becomes its value.");

const output = name.optional().describe("The value of the state to write the result to.");

const speaking = {
  instructions: template.optional().describe("What it is told before the conversation; the agent's instructions by default."),
  prompt: template.optional().describe("Said to it after the conversation."),
  history: z.enum(["all", "none"]).default("all").describe("Whether it is shown the conversation."),
  output,
};

const node = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("agent").describe("A model that has tools called until it has nothing more to ask."),
    tools: z.array(z.string()).max(100).optional().describe("Those of the agent's tools that it may call; all by default."),
    ...speaking,
  }),
  z.strictObject({
    type: z.literal("model").describe("One model call, without tools."),
    schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer; what is written then is its value."),
    ...speaking,
  }),
  z.strictObject({
    type: z.literal("tool").describe("One call of one of the agent's tools."),
    tool: z.string().min(1).describe("The tool's name."),
    arguments: filled.default({}).describe("What it is called with."),
    onError: z.enum(["fail", "continue"]).default("fail").describe("continue: write { status, error } and go on."),
    output,
  }),
  z.strictObject({
    type: z.literal("set").describe("Writes values."),
    values: z.record(name, expression).describe("What to write to which values of the state."),
  }),
  z.strictObject({
    type: z.literal("interrupt").describe("Asks a person and waits. Writes { status, decision, value, reason, by }."),
    message: template.describe("The question."),
    kind: z.enum(["INPUT", "REVIEW"]).default("INPUT").describe("REVIEW: whether something is right."),
    about: expression.optional().describe("What is to be reviewed."),
    responseSchema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of the answer."),
    allowed: z
      .array(z.enum(["APPROVE", "EDIT", "REJECT", "ANSWER"]))
      .min(1)
      .optional()
      .describe("How it can be decided; ANSWER, or of a REVIEW APPROVE, EDIT and REJECT by default."),
    expiresInSeconds: z
      .int()
      .min(1)
      .max(31_536_000)
      .optional()
      .describe("At most a year. After that it counts as unanswered, with the status EXPIRED."),
    output,
  }),
  z.strictObject({
    type: z.literal("graph").describe("A graph within the graph. It shares the values of the state that have the same names."),
    get graph(): z.ZodType<GraphDefinition> {
      return graphDefinition as unknown as z.ZodType<GraphDefinition>;
    },
  }),
]);

const edge = z.strictObject({
  from: z
    .union([name, z.array(name).min(2)])
    .describe('The node that it leaves, or "start"; of several, it is followed when all of them have finished.'),
  to: name.describe('The node that it leads to, or "end".'),
  when: expression.optional().describe("Followed only where this is true."),
  otherwise: z.literal(true).optional().describe("Followed where no edge of the same node with `when` is."),
  each: expression.optional().describe("A list: the node is run for each of its items, side by side."),
  as: name.default("item").describe("What expressions of that node call the item."),
});

const value = z.strictObject({
  reducer: z
    .enum(["replace", "append", "merge", "add"])
    .default("replace")
    .describe("What becomes of it when it is written: the new value, the lists one after the other, the objects as one, the sum."),
  default: z.unknown().optional().describe("What it is at first; null, [], {} or 0 by default."),
});

/** The declaration of a graph. */
export const graphDefinition = z
  .strictObject({
    state: z
      .record(name, value)
      .default({})
      .describe("The values of the state beside `messages`. One that is only written needs no entry."),
    nodes: z.record(name, node).describe("The nodes by their names."),
    edges: z.array(edge).min(1).max(1_000).describe("Where to go from which node."),
  })
  .check((ctx) =>
    problemsIn(ctx.value as GraphDefinition).forEach(({ path, message }) =>
      ctx.issues.push({ code: "custom", input: ctx.value, path, message }),
    ),
  )
  .describe("Nodes and edges, compiled to a StateGraph.");

/** One node of a {@link GraphDefinition}. */
export type NodeDefinition =
  | Exclude<z.output<typeof node>, { type: "graph" }>
  | { readonly type: "graph"; readonly graph: GraphDefinition };

export type EdgeDefinition = z.output<typeof edge>;

export interface GraphDefinition {
  readonly state: Readonly<Record<string, z.output<typeof value>>>;
  readonly nodes: Readonly<Record<string, NodeDefinition>>;
  readonly edges: readonly EdgeDefinition[];
}

function refuse(ctx: { readonly issues: unknown[]; readonly value: unknown }, message: string | undefined): void {
  if (message !== undefined) ctx.issues.push({ code: "custom", input: ctx.value, message });
}
