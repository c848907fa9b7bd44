import { connectionType, pageArgs, type GraphBuilder } from "#weftline";
import { Agent } from "../contract.ts";
import { findAgent } from "../service/find.ts";
import { listAgents } from "../service/list.ts";
import { AgentStatus } from "../types.ts";
import { agentInputs } from "./inputs.ts";

export function addQueries(builder: GraphBuilder): void {
  builder.queryFields((t) => ({
    agents: t.field({
      type: connectionType(builder, "Agent", Agent),
      description: "The agents of the tenant, newest first.",
      args: {
        status: t.arg({ type: [AgentStatus], description: "Only those in one of these; all by default, archived ones too." }),
        search: t.arg.string({ description: "Only those with this text in their name or description, in any case." }),
        ...pageArgs(t),
      },
      resolve: (_, { status, search, ...page }, scope) => listAgents(scope, { status, search }, page) as never,
    }),
    agent: t.field({
      type: Agent,
      description: "One agent; null where it does not exist or belongs to another tenant.",
      args: { ref: t.arg({ type: agentInputs(builder).ref, required: true, description: "Which agent." }) },
      resolve: (_, { ref }, scope) => findAgent(scope, ref),
    }),
  }));
}
