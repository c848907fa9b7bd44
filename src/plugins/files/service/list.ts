import { raw } from "@mikro-orm/core";
import { isLonger, WeftlineError, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import { UploadedFile } from "../entities.ts";

/** Names are no longer. */
const maxSearch = 255;

/** A name as it is searched. */
export function searchable(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim();
}

/**
 * The viewer's files, newest first.
 *
 * @throws INVALID_INPUT for a search that is too long.
 */
export function listFiles(
  scope: Scope,
  { search }: { readonly search?: string | null | undefined },
  args: PageArgs,
): Promise<Page<UploadedFile>> {
  const words = searchable(search ?? "");
  if (isLonger(words, maxSearch)) {
    const message = `A search has at most ${maxSearch} characters.`;
    throw new WeftlineError("INVALID_INPUT", { path: ["search"], message, issues: [{ path: ["search"], message }] });
  }
  // Files from before names were kept for the search are found by letters without case that are ASCII.
  const like = raw("coalesce(search_name, lower(name)) like ? escape '!'", [`%${words.replaceAll(/[!%_]/g, "!$&")}%`]);
  return pageOf(scope.em, UploadedFile, words === "" ? {} : { [like]: [] }, args, { createdAt: "desc", id: "desc" });
}
