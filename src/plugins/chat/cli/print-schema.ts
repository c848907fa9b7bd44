import { z } from "zod";
import { WeftlineError, type CliAction } from "#weftline";
import { agentDocument, threadDocument } from "../transfer/document.ts";

const documents: Readonly<Record<string, z.ZodType>> = { thread: threadDocument, agent: agentDocument };

/** `weftline export schema` */
export const printSchemaCommand: CliAction = {
  description: "print what a document may hold, as JSON Schema",
  arguments: [{ name: "kind", description: "thread or agent" }],
  needs: "nothing",
  run: ({ arguments: { kind }, out }) => {
    const schema = documents[String(kind)];
    if (!schema)
      throw new WeftlineError("NOT_FOUND", { what: "kind of document", fix: `There are: ${Object.keys(documents).join(", ")}.` });
    out(`${JSON.stringify(z.toJSONSchema(schema, { io: "input" }), null, 2)}\n`);
  },
};
