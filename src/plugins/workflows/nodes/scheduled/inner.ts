import { z } from "zod";
import type { InnerNode } from "../../contract.ts";
import { Fields, isObject, type Problem } from "../../definition/fields.ts";
import { readWork } from "../../definition/read.ts";

const scheduled = ["branch", "map", "loop"];

/** The node inside a map or a loop. */
export const innerSchema = z.unknown().transform((given, ctx): InnerNode => {
  const problems: Problem[] = [];
  const read = readInner(given, problems);
  for (const { path, message } of problems) ctx.addIssue({ code: "custom", path: [...path], message });
  return read;
});

function readInner(given: unknown, problems: Problem[]): InnerNode {
  const fields = Fields.of(isObject(given) ? given : undefined, [], problems, "The node inside");
  if (!fields) return { kind: "", config: {}, onError: "FAIL" };
  fields.onlyKnown(["kind", "config", "retry", "timeout", "onError"]);
  const kind = fields.text("kind", 100);
  if (fields.get("kind") === undefined) fields.problem("kind", "A node has a kind, as in agent.");
  if (kind !== undefined && scheduled.includes(kind)) fields.problem("kind", `A ${kind} cannot be inside: start a workflow to nest them.`);
  return { kind: kind ?? "", ...readWork(fields), onError: fields.choice("onError", ["FAIL", "CONTINUE"]) ?? "FAIL" };
}
