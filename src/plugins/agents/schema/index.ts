import { Message, extendInput, loadRow, type GraphBuilder } from "#weftline";
import { Agent } from "../contract.ts";
import { addActivity } from "./activity.ts";
import { addAgent } from "./agent.ts";
import { addEnums } from "./enums.ts";
import { addInputs, agentInputs } from "./inputs.ts";
import { addMutations } from "./mutations.ts";
import { addQueries } from "./queries.ts";
import { addTemplates } from "./template.ts";

/** The graph of agents, and what they add to that of runs. */
export function addAgentSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addInputs(builder);
  addTemplates(builder);
  addAgent(builder);
  addActivity(builder);
  addQueries(builder);
  addMutations(builder);
  extendInput(builder, "RunTargetInput", (t) => ({
    agent: t.field({ type: agentInputs(builder).ref, description: "An agent that is ACTIVE." }),
  }));
  builder.objectField(Message, "agent", (t) =>
    t.field({
      type: Agent,
      description: "The agent that wrote it; null for what people wrote.",
      resolve: (message, _, scope) => loadRow(scope, Agent, message.agentId),
    }),
  );
}
