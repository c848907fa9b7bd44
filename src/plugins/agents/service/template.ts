import { WeftlineError, idempotently, localIdOrNothing, type Contribution, type Scope } from "#weftline";
import type { AgentTemplate } from "../contract.ts";
import type { Agent } from "../entities.ts";
import { checkDefinition, prototypeProblems, readBy } from "./check.ts";
import { emptyDefinition, patched } from "./draft.ts";
import { committedAgent } from "./find.ts";
import type { AgentsHost } from "./host.ts";
import { nameProblems, refuseIf } from "./problems.ts";
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
    const { description = null, ...settings } = template.build(await parametersOf(template, input));
    const draft = patched(emptyDefinition, { ...settings, framework: template.framework });
    const definition = await checkDefinition(host, draft, ["input", "template"]);
    const status = (input.activate ?? true) ? "ACTIVE" : "DRAFT";
    const made = await insertAgent(host, scope, tx, { name: input.name, description, status, templateName: key, definition });
    return { agent: made.id };
  });
  return committedAgent(scope, agent);
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
