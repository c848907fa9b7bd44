import { z } from "zod";
import { WeftlineError } from "#weftline";
import type { NamedRef } from "../contract.ts";
import { textOf } from "../definition/templates.ts";
import type { JsonObject } from "../definition/types.ts";

/** Names an agent or a workflow: by its name, which may be a template, or by `{ id }` or `{ name }`. */
export const refSchema = z.union(
  [z.string().trim().min(1), z.strictObject({ id: z.string().min(1) }), z.strictObject({ name: z.string().min(1) })],
  { error: "This is a name, { name } or { id }." },
);

/**
 * The input of the graph that names it, as `{ name: "writer" }`.
 *
 * @throws INVALID_INPUT where an expression gave what names nothing.
 */
export function refInput(ref: NamedRef): JsonObject {
  const read = refSchema.safeParse(ref);
  if (!read.success) throw new WeftlineError("INVALID_INPUT", { message: `A name, { name } or { id } is expected, not ${textOf(ref)}.` });
  return typeof read.data === "string" ? { name: read.data } : read.data;
}

/** What it names; undefined where only a run knows. */
export function knownRef<Ref extends NamedRef>(ref: Ref): Ref | undefined {
  return JSON.stringify(ref).includes("{{") ? undefined : ref;
}
