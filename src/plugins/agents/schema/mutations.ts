import { resultType, type GraphBuilder } from "#weftline";
import { Agent } from "../contract.ts";
import { agentEditor } from "../service/service.ts";
import { StopMode } from "../types.ts";
import { agentInputs } from "./inputs.ts";

/** Also those that ask no framework are refused while the store is away. */
function changed(builder: GraphBuilder, name: string) {
  return resultType<{ readonly agent: Agent }>(builder, name, {
    errors: ["conflict", "unavailable"],
    fields: (t) => ({
      agent: t.field({ type: Agent, nullable: false, description: "The agent as it is now.", resolve: ({ agent }) => agent }),
    }),
  });
}

export function addMutations(builder: GraphBuilder): void {
  addEdits(builder);
  addStatusChanges(builder);
}

function addEdits(builder: GraphBuilder): void {
  const inputs = agentInputs(builder);
  const created = changed(builder, "CreateAgent");
  const fromTemplate = changed(builder, "CreateAgentFromTemplate");
  const updated = changed(builder, "UpdateAgent");
  const restored = changed(builder, "RestoreAgentVersion");
  builder.mutationFields((t) => ({
    createAgent: t.field({
      type: created.type,
      nullable: false,
      description: "Makes an agent. Nothing is written where its definition is not valid.",
      args: { input: t.arg({ type: inputs.create, required: true, description: "The agent." }) },
      resolve: (_, { input }, scope) => created.attempt(async () => ({ agent: await scope.use(agentEditor).create(scope, input) })),
    }),
    createAgentFromTemplate: t.field({
      type: fromTemplate.type,
      nullable: false,
      description: "Makes an agent by a template.",
      args: { input: t.arg({ type: inputs.fromTemplate, required: true, description: "The template and its parameters." }) },
      resolve: (_, { input }, scope) =>
        fromTemplate.attempt(async () => ({ agent: await scope.use(agentEditor).createFromTemplate(scope, input) })),
    }),
    updateAgent: t.field({
      type: updated.type,
      nullable: false,
      description: "Changes an agent; for its owner and admins. What its runs execute becomes a new version; open runs go on with theirs.",
      args: { input: t.arg({ type: inputs.update, required: true, description: "The change." }) },
      resolve: (_, { input }, scope) => updated.attempt(async () => ({ agent: await scope.use(agentEditor).update(scope, input) })),
    }),
    restoreAgentVersion: t.field({
      type: restored.type,
      nullable: false,
      description: "Makes an old version the newest: a new version that equals it.",
      args: {
        agent: t.arg({ type: inputs.ref, required: true, description: "Which agent." }),
        version: t.arg.int({ required: true, description: "The number of the old version." }),
      },
      resolve: (_, { agent, version }, scope) =>
        restored.attempt(async () => ({ agent: await scope.use(agentEditor).restore(scope, agent, version) })),
    }),
  }));
}

function addStatusChanges(builder: GraphBuilder): void {
  const inputs = agentInputs(builder);
  const started = changed(builder, "StartAgent");
  const stopped = changed(builder, "StopAgent");
  const archived = changed(builder, "ArchiveAgent");
  builder.mutationFields((t) => ({
    startAgent: t.field({
      type: started.type,
      nullable: false,
      description: "Lets an agent take runs, also one that was archived.",
      args: { agent: t.arg({ type: inputs.ref, required: true, description: "Which agent." }) },
      resolve: (_, { agent }, scope) => started.attempt(async () => ({ agent: await scope.use(agentEditor).start(scope, agent) })),
    }),
    stopAgent: t.field({
      type: stopped.type,
      nullable: false,
      description: "Lets an agent take no more runs.",
      args: {
        agent: t.arg({ type: inputs.ref, required: true, description: "Which agent." }),
        mode: t.arg({ type: StopMode, defaultValue: "DRAIN", description: "What becomes of its open runs." }),
      },
      resolve: (_, { agent, mode }, scope) =>
        stopped.attempt(async () => ({ agent: await scope.use(agentEditor).stop(scope, agent, mode ?? "DRAIN") })),
    }),
    archiveAgent: t.field({
      type: archived.type,
      nullable: false,
      description: "Puts an agent away. It keeps its name, its versions and its runs; open runs finish.",
      args: { agent: t.arg({ type: inputs.ref, required: true, description: "Which agent." }) },
      resolve: (_, { agent }, scope) => archived.attempt(async () => ({ agent: await scope.use(agentEditor).archive(scope, agent) })),
    }),
  }));
}
