import { WeftlineError, hashOf, idempotently, type Scope } from "#weftline";
import { AgentVersion, type Agent } from "../entities.ts";
import type { AgentDefinition, AgentRef } from "../types.ts";
import { checkDefinition } from "./check.ts";
import { emptyDefinition, patched, type DefinitionPatch } from "./draft.ts";
import { committedAgent } from "./find.ts";
import type { AgentsHost } from "./host.ts";
import { readPolicies, type PolicyInput } from "./policies.ts";
import { nameProblems, refuseIf, wordsProblems, type Problem } from "./problems.ts";
import { agentToChange, insertAgent, named, newestDefinition, raiseVersion, saveAgent } from "./rows.ts";

/** A change of a definition as it comes from a client. */
interface ClientPatch extends Omit<DefinitionPatch, "toolPolicies"> {
  readonly toolPolicies?: readonly PolicyInput[] | null | undefined;
}

/** The input of `createAgent`. */
export interface CreateAgent extends ClientPatch {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly framework: string;
  readonly activate?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The input of `updateAgent`: what is left out stays, null clears. */
export interface UpdateAgent extends ClientPatch {
  readonly agent: AgentRef;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly note?: string | null | undefined;
  readonly expectedVersion?: number | null | undefined;
}

/** @throws INVALID_INPUT, FRAMEWORK_UNKNOWN, CONFLICT for a taken name, IDEMPOTENCY_CONFLICT */
export async function createAgent(host: AgentsHost, scope: Scope, input: CreateAgent): Promise<Agent> {
  const { agent } = await idempotently(scope, { mutation: "createAgent", key: input.idempotencyKey, body: input }, async (tx) => {
    const { name, description = null, activate } = input;
    const read = await readPolicies(scope, input);
    const problems = [...read.problems, ...nameProblems(name, ["input", "name"]), ...wordsProblems(description, ["input", "description"])];
    const definition = await checkDefinition(host, patched(emptyDefinition, read.input), ["input"], problems);
    const status = (activate ?? true) ? "ACTIVE" : "DRAFT";
    const made = await insertAgent(host, scope, tx, { name, description, status, templateName: null, definition });
    return { agent: made.id };
  });
  return committedAgent(scope, agent);
}

/**
 * Changes an agent. What its runs execute is a new version; its name and description stand outside of versions.
 *
 * @throws INVALID_INPUT, FRAMEWORK_UNKNOWN, NOT_FOUND, FORBIDDEN, VERSION_CONFLICT, CONFLICT for a taken name
 */
export async function updateAgent(host: AgentsHost, scope: Scope, input: UpdateAgent): Promise<Agent> {
  const id = await scope.write(async (tx) => {
    const agent = await agentToChange(scope, tx, input.agent, ["input", "agent"]);
    checkVersion(agent, input.expectedVersion);
    const before = await newestDefinition(tx, agent);
    const read = await readPolicies(scope, input);
    const draft = patched(before, read.input);
    const same = hashOf(draft) === hashOf(patched(before, {}));
    const found = [...read.problems, ...wordsOf(input)];
    const definition = same ? keep(before, found) : await checkDefinition(host, draft, ["input"], found);
    const { name, description = agent.description, note } = input;
    const words = named(name ?? agent.name, description);
    const renamed = words.name !== agent.name || words.description !== agent.description;
    if (same && !note && !renamed) return agent.id;
    if (!same || note) raiseVersion(tx, agent, definition, note ?? null);
    Object.assign(agent, words);
    await saveAgent(host, tx, agent);
    return agent.id;
  }, "agents.update");
  return committedAgent(scope, id);
}

/** @throws NOT_FOUND for an unknown version, and as {@link updateAgent} where what it names is no longer installed */
export async function restoreVersion(host: AgentsHost, scope: Scope, ref: AgentRef, version: number): Promise<Agent> {
  const id = await scope.write(async (tx) => {
    const agent = await agentToChange(scope, tx, ref, ["agent"]);
    const old = await tx.em.findOne(AgentVersion, { agentId: agent.id, version });
    if (!old) throw new WeftlineError("NOT_FOUND", { what: "version of this agent", path: ["version"] });
    const definition = await checkDefinition(host, patched(old.definition, {}), ["version"]);
    raiseVersion(tx, agent, definition, `Restored from version ${version}.`);
    await saveAgent(host, tx, agent);
    return agent.id;
  }, "agents.restore");
  return committedAgent(scope, id);
}

function wordsOf({ name, description, note }: UpdateAgent): Problem[] {
  return [
    ...(name === undefined ? [] : nameProblems(name, ["input", "name"])),
    ...wordsProblems(description, ["input", "description"]),
    ...wordsProblems(note, ["input", "note"]),
  ];
}

function keep(definition: AgentDefinition, problems: readonly Problem[]): AgentDefinition {
  refuseIf(problems);
  return definition;
}

function checkVersion(agent: Agent, expected: number | null | undefined): void {
  if (expected == null || expected === agent.version) return;
  throw new WeftlineError("VERSION_CONFLICT", { actual: agent.version, expected, path: ["input", "expectedVersion"] });
}
