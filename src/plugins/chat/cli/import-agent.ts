import { WeftlineError, hashOf, type CliContext } from "#weftline";
import type { AgentDocument } from "../transfer/document.ts";
import { agentOf } from "./export-agent.ts";

const createAgent = `mutation ($input: CreateAgentInput!) { createAgent(input: $input) {
  ... on CreateAgentPayload { agent { id name } } ... on UserError { message fix } ... on InvalidInputError { issues { path message } } } }`;

interface Made {
  readonly agent?: { readonly id: string; readonly name: string };
  readonly message?: string;
  readonly fix?: string | null;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
}

/** Makes an agent of a document, once: one that is the same is left, and one of the same name that differs is not touched. */
export async function importAgent(ctx: CliContext, { agent }: AgentDocument, file: string): Promise<number> {
  const named = ctx.options["name"];
  const wanted = { ...agent, name: typeof named === "string" ? named : agent.name };
  const there = await agentOf(ctx.graph, { name: wanted.name });
  if (there && hashOf(there) === hashOf(normal(wanted))) {
    ctx.say(`  The agent ${wanted.name} is here already.`);
    return 0;
  }
  if (there)
    throw new WeftlineError("CONFLICT", {
      message: `${file}: There is another agent named ${wanted.name}.`,
      fix: "Give this one a name of its own: --name <name>",
    });
  const given = Object.entries(wanted).filter(([, value]) => value != null);
  const { createAgent: made } = await ctx.graph.request<{ createAgent: Made }>(createAgent, { input: Object.fromEntries(given) });
  if (!made.agent) {
    const [issue] = made.issues ?? [];
    const reason = issue ? `agent.${issue.path.slice(1).join(".")}: ${issue.message}` : (made.message ?? "it was refused");
    throw new WeftlineError("INVALID_INPUT", { message: `${file}: ${reason}`, fix: made.fix ?? "Correct the place that is named." });
  }
  ctx.out(`${made.agent.id}\n`);
  ctx.say(`${ctx.paint("green", "✓")} Imported the agent ${made.agent.name}.`);
  return 0;
}

/** As an export would say it. */
function normal({ capabilities, ...agent }: AgentDocument["agent"]): AgentDocument["agent"] {
  return { ...agent, capabilities: [...new Set(capabilities)].toSorted() };
}
