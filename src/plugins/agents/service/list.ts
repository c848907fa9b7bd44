import { raw, type FilterQuery } from "@mikro-orm/core";
import { isLonger, WeftlineError, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import { Agent, AgentVersion } from "../entities.ts";
import type { AgentStatus } from "../types.ts";
import { searchable } from "./rows.ts";

/** Which agents a list shows. */
export interface AgentFilter {
  readonly status?: readonly AgentStatus[] | null | undefined;
  /** Part of a name or a description, in any case. */
  readonly search?: string | null | undefined;
}

const maxSearch = 200;

/** Agents of the viewer's tenant, newest first. */
export function listAgents(scope: Scope, { status, search }: AgentFilter, page: PageArgs): Promise<Page<Agent>> {
  const where: FilterQuery<Agent>[] = [];
  if (status) where.push({ status: { $in: [...status] } });
  const words = searchable((search ?? "").trim());
  if (isLonger(words, maxSearch))
    throw new WeftlineError("INVALID_INPUT", { path: ["search"], message: `A search has at most ${maxSearch} characters.` });
  if (words !== "")
    where.push({ [raw((alias) => `${alias}.search_text like ? escape '!'`, [`%${words.replaceAll(/[!%_]/g, "!$&")}%`])]: [] });
  return pageOf(scope.em, Agent, { $and: where }, page, { createdAt: "desc", id: "desc" });
}

/** Versions of an agent, newest first. */
export function listVersions(scope: Scope, agent: Agent, page: PageArgs): Promise<Page<AgentVersion>> {
  return pageOf(scope.em, AgentVersion, { agentId: agent.id }, page, { version: "desc" });
}
