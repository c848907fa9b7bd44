import { characters } from "#weftline";
import { z } from "zod";

/** What all shipped templates make their agents with. */
export interface TemplateBase {
  readonly framework: string;
  /** The default model by default. */
  readonly model?: string;
}

/** A short text of a person's own, as a company's name. */
export function phrase(description: string): z.ZodString {
  return z.string().trim().superRefine(characters(1, 200)).meta({ minLength: 1, maxLength: 200 }).describe(description);
}

/** A language by its name or its tag. */
export const language = z
  .string()
  .trim()
  .superRefine(characters(2, 60))
  .meta({ minLength: 2, maxLength: 60 })
  .regex(/^[\p{L}\p{M}\p{N} ()'-]+$/u, "A language is a name or a tag, as in English or pt-BR.");

/** Sentences as paragraphs; those that do not apply are left out. */
export function paragraphs(...texts: readonly (string | false)[]): string {
  return texts.filter((text) => text !== false).join("\n\n");
}
