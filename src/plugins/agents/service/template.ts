import { WeftlineError, idempotently, localIdOrNothing, type Contribution, type Scope } from "#weftline";
import type { AgentBlueprint, AgentMember, AgentTemplate } from "../contract.ts";
import { Agent } from "../entities.ts";
import { checkDefinition, prototypeProblems, readBy } from "./check.ts";
import { emptyDefinition, patched } from "./draft.ts";
import { committedAgent, tidyName } from "./find.ts";
import type { AgentsHost } from "./host.ts";
import { nameProblems, refuseIf, type Problem } from "./problems.ts";
import { insertAgent } from "./rows.ts";

/** The input of `createAgentFromTemplate`. */
export interface CreateFromTemplate {
  /** Its name or its id in the graph. */
  readonly template: string;
  readonly name: string;
  readonly parameters?: unknown;
  readonly activate?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** @throws NOT_FOUND for an unknown template, INVALID_INPUT for wrong parameters, and as `createAgent` */
export async function createFromTemplate(host: AgentsHost, scope: Scope, input: CreateFromTemplate): Promise<Agent> {
  const request = { mutation: "createAgentFromTemplate", key: input.idempotencyKey, body: input };
  const { agent } = await idempotently(scope, request, async (tx) => {
    const { key, value: template } = findTemplate(host, input.template);
    const built = template.build(await parametersOf(template, input));
    refuseIf(teamProblems(input.name, built));
    const { members = [], ...blueprint } = built;
    const make = async ({ name, ...made }: AgentMember): Promise<Agent> => {
      const { description = null, framework = template.framework, ...settings } = made;
      const definition = await checkDefinition(host, patched(emptyDefinition, { ...settings, framework }), ["input", "template"]);
      const status = (input.activate ?? true) ? "ACTIVE" : "DRAFT";
      return insertAgent(host, scope, tx, { name, description, status, templateName: key, definition });
    };
    const lead = await make({ ...blueprint, name: input.name });
    for (const member of members) if (!(await tx.em.findOne(Agent, { name: tidyName(member.name) }))) await make(member);
    return { agent: lead.id };
  });
  return committedAgent(scope, agent);
}

/** A lead that asked itself for a member would never ask that one, and members are named as all agents are. */
function teamProblems(name: string, { members = [], capabilities = [] }: AgentBlueprint): Problem[] {
  const itself = tidyName(name);
  const isMember = capabilities.includes(`agent.${itself}`) || members.some((member) => tidyName(member.name) === itself);
  const message = `"${itself}" cannot be a member of its own team: name the new agent or the member otherwise.`;
  return [
    ...(isMember ? [{ path: ["input", "name"], message }] : []),
    ...members.flatMap((member) => nameProblems(member.name, ["input", "parameters"])),
  ];
}

function findTemplate({ templates }: AgentsHost, nameOrId: string): Contribution<AgentTemplate> {
  const found = templates.get(localIdOrNothing("AgentTemplate", nameOrId) ?? nameOrId.trim());
  if (found) return found;
  const known = [...templates.keys()].toSorted().join(", ") || "none";
  const message = `There is no such template. There are: ${known}.`;
  throw new WeftlineError("NOT_FOUND", { what: "template", path: ["input", "template"], message });
}

async function parametersOf(template: AgentTemplate, { name, parameters }: CreateFromTemplate): Promise<never> {
  const path = ["input", "parameters"];
  const { value, problems } = await readBy(template.parameters, parameters ?? {}, path);
  refuseIf([...nameProblems(name, ["input", "name"]), ...prototypeProblems(parameters, path), ...problems]);
  return value as never;
}
