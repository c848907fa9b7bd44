import { raw, type FilterQuery } from "@mikro-orm/core";
import { WeftlineError, isLonger, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import { Workflow, WorkflowVersion } from "../entities.ts";
import { searchable } from "./rows.ts";

/** Which workflows a list shows. */
export interface WorkflowFilter {
  /** Part of a name or a description, in any case. */
  readonly search?: string | null | undefined;
  /** Only archived ones, or only those that are not; all where it is null. */
  readonly archived?: boolean | null | undefined;
}

const maxSearch = 200;

/** Workflows of the viewer's tenant, newest first. */
export function listWorkflows(scope: Scope, { search, archived }: WorkflowFilter, page: PageArgs): Promise<Page<Workflow>> {
  const where: FilterQuery<Workflow>[] = archived == null ? [] : [{ archived }];
  const words = searchable((search ?? "").trim());
  if (isLonger(words, maxSearch))
    throw new WeftlineError("INVALID_INPUT", { path: ["search"], message: `A search has at most ${maxSearch} characters.` });
  if (words !== "")
    where.push({ [raw((alias) => `${alias}.search_text like ? escape '!'`, [`%${words.replaceAll(/[!%_]/g, "!$&")}%`])]: [] });
  return pageOf(scope.em, Workflow, { $and: where }, page, { createdAt: "desc", id: "desc" });
}

/** Versions of a workflow, newest first. */
export function listVersions(scope: Scope, workflow: Workflow, page: PageArgs): Promise<Page<WorkflowVersion>> {
  return pageOf(scope.em, WorkflowVersion, { workflowId: workflow.id }, page, { version: "desc" });
}
