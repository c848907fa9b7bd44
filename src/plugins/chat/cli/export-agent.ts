import { WeftlineError, type CliAction, type CliContext } from "#weftline";
import type { AgentDocument } from "../transfer/document.ts";
import { openOutput } from "./output.ts";

const agentQuery = `query ($ref: AgentRef!) {
  agent(ref: $ref) {
    name frameworkId description instructions model options outputSchema missingCapabilities
    capabilities { name } memory { recall scopes limit }
    toolPolicies { tool approval condition approvers { roles actors { id } } }
  }
}`;

interface ShownAgent {
  readonly name: string;
  readonly frameworkId: string;
  readonly description: string | null;
  readonly instructions: string | null;
  readonly model: string | null;
  readonly options: unknown;
  readonly outputSchema: unknown;
  readonly missingCapabilities: readonly string[];
  readonly capabilities: readonly { readonly name: string }[];
  readonly memory: unknown;
  readonly toolPolicies: readonly (Readonly<Record<string, unknown>> & {
    readonly approvers: { readonly roles: unknown; readonly actors: readonly { readonly id: string }[] } | null;
  })[];
}

/** An agent as a document says it; nothing where there is none. */
export async function agentOf(graph: CliContext["graph"], ref: object): Promise<AgentDocument["agent"] | undefined> {
  const { agent } = await graph.request<{ agent: ShownAgent | null }>(agentQuery, { ref });
  if (!agent) return undefined;
  const { frameworkId: framework, capabilities, missingCapabilities, toolPolicies, ...rest } = agent;
  const names = [...capabilities.map(({ name }) => name), ...missingCapabilities];
  const policies = toolPolicies.map(({ approvers, ...policy }) => ({
    ...policy,
    ...(approvers ? { approvers: { roles: approvers.roles, actors: approvers.actors.map(({ id }) => id) } } : {}),
  }));
  return { ...rest, framework, capabilities: [...new Set(names)].toSorted(), toolPolicies: policies } as AgentDocument["agent"];
}

/** `weftline export agent` */
export const exportAgentCommand: CliAction = {
  description: "write an agent as JSON; keys and secrets are no part of it",
  arguments: [{ name: "agent", description: "its name, or its id" }],
  options: [{ flags: "--out <file>", description: "write it to a new file; standard output by default" }],
  needs: "graph",
  run: async (ctx: CliContext) => {
    const asked = String(ctx.arguments["agent"]);
    const agent = (await agentOf(ctx.graph, { name: asked })) ?? (await agentOf(ctx.graph, { id: asked }).catch(() => undefined));
    if (!agent) throw new WeftlineError("NOT_FOUND", { what: "agent" });
    const output = await openOutput(ctx, ctx.options["out"]);
    try {
      const document = { format: "weftline-agent", version: 1, exportedAt: new Date().toISOString(), agent };
      await output.write(`${JSON.stringify(document, null, 2)}\n`);
      await output.keep();
      ctx.say(`${ctx.paint("green", "✓")} Exported the agent ${agent.name}.`);
    } finally {
      await output.close();
    }
  },
};
