import { z } from "zod";
import { characters } from "#weftline";
import { isShortMetadata, metadataProblem } from "../service/checks.ts";

/** Bounds of a document: what is beyond them is refused with its place. */
export const documentLimits = { messages: 100_000, parts: 1_000, text: 2_000_000, files: 1_000, title: 200 } as const;

const text = z.string().max(documentLimits.text);
const name = textOf(255);
const version = z.literal(1, { error: ({ input }) => (Number(input) > 1 ? laterVersion : undefined) });
const laterVersion = "The document is of a later version of Weftline, and this one does not read it.";

/** Characters, as everywhere: an emoji is no two. JSON Schema counts them so, too. */
function textOf(most: number): z.ZodString {
  return z.string().superRefine(characters(1, most)).meta({ minLength: 1, maxLength: most });
}
const json = z.json();

const part = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text }),
  z.strictObject({ type: z.literal("reasoning"), text }),
  z.strictObject({
    type: z.literal("toolCall"),
    name,
    status: z.string().max(40),
    arguments: json.optional(),
    result: json.optional(),
    error: text.optional(),
  }),
  z.strictObject({ type: z.literal("data"), name, data: json }),
  z.strictObject({ type: z.literal("file"), file: name.describe("The key of the file under `files`.") }),
]);

const message = z.strictObject({
  role: z.enum(["USER", "ASSISTANT", "SYSTEM", "TOOL"]),
  createdAt: z.iso.datetime(),
  status: z.enum(["COMPLETE", "FAILED", "CANCELLED"]).default("COMPLETE"),
  provenance: z.enum(["LIVE", "SIMULATED", "REPLAYED"]).optional().describe("How it came about. Imported answers are REPLAYED."),
  agent: name.optional().describe("The name of the agent that wrote it."),
  supersededBy: z.int().nonnegative().optional().describe("The index of the message that took its place; it follows later."),
  parts: z.array(part).max(documentLimits.parts),
});

const file = z.strictObject({
  name,
  mediaType: name,
  size: z.int().nonnegative().describe("In bytes."),
  content: z.base64().optional().describe("The bytes, in base64; absent where they were gone."),
  file: z.string().max(200).optional().describe("Its id on the server that it was uploaded to, in the place of the content."),
});

/** A thread as a document, version 1. */
export const threadDocument = z
  .strictObject({
    format: z.literal("weftline-thread"),
    version,
    exportedAt: z.iso.datetime().optional(),
    thread: z.strictObject({
      title: textOf(documentLimits.title).nullable(),
      createdAt: z.iso.datetime(),
      archived: z.boolean().default(false),
      agent: name.nullable().default(null).describe("The name of its agent; where there is one of that name, it is the thread's again."),
      metadata: z.record(z.string(), json).refine(isShortMetadata, metadataProblem).default({}),
    }),
    messages: z.array(message).max(documentLimits.messages),
    files: z.record(z.string(), file).default({}),
  })
  .superRefine(({ messages, files }, ctx) => {
    if (Object.keys(files).length > documentLimits.files)
      ctx.addIssue({ code: "custom", path: ["files"], message: `At most ${documentLimits.files} files.` });
    for (const [index, { supersededBy, parts }] of messages.entries()) {
      if (supersededBy !== undefined && (supersededBy <= index || supersededBy >= messages.length))
        ctx.addIssue({ code: "custom", path: ["messages", index, "supersededBy"], message: "It names no later message." });
      for (const [at, each] of parts.entries())
        if (each.type === "file" && !Object.hasOwn(files, each.file))
          ctx.addIssue({ code: "custom", path: ["messages", index, "parts", at, "file"], message: "There is no file of that key." });
    }
  });

export type ThreadDocument = z.output<typeof threadDocument>;
export type DocumentMessage = ThreadDocument["messages"][number];
export type DocumentPart = DocumentMessage["parts"][number];

/** An agent as a document, version 1. */
export const agentDocument = z.strictObject({
  format: z.literal("weftline-agent"),
  version,
  exportedAt: z.iso.datetime().optional(),
  agent: z.strictObject({
    name,
    framework: name,
    description: text.nullish(),
    instructions: text.nullish(),
    model: z.string().max(255).nullish(),
    capabilities: z.array(name).max(1_000).default([]),
    options: json.optional(),
    outputSchema: json.nullish(),
    memory: json.optional(),
    toolPolicies: z.array(json).max(1_000).default([]),
  }),
});

export type AgentDocument = z.output<typeof agentDocument>;

/** The first thing that is wrong with a document, and where. */
export function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return `${path === "" ? "the document" : path.replace(/^\./, "")}: ${issue?.message ?? "is not as expected"}`;
}
