import { z } from "zod";
import type { NamedRef } from "../contract.ts";
import type { JsonObject } from "../definition/types.ts";

/** Names an agent or a workflow: by its name, which may be a template, or by `{ id }` or `{ name }`. */
export const refSchema = z.union(
  [z.string().trim().min(1), z.strictObject({ id: z.string().min(1) }), z.strictObject({ name: z.string().min(1) })],
  { error: "This is a name, { name } or { id }." },
);

/** The input of the graph that names it, as `{ name: "writer" }`. */
export function refInput(ref: NamedRef): JsonObject {
  return typeof ref === "string" ? { name: ref } : ref;
}

/** What it names; undefined where only a run knows. */
export function knownRef<Ref extends NamedRef>(ref: Ref): Ref | undefined {
  return JSON.stringify(ref).includes("{{") ? undefined : ref;
}
