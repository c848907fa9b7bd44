import {
  Actor,
  ApproversView,
  HealthComponent,
  MemoryScope,
  RunTarget,
  actorOf,
  connectionType,
  loadRows,
  nodeType,
  type GraphBuilder,
} from "#weftline";
import { ApprovalMode, Capability, capabilityDirectory } from "#plugins/capabilities";
import { Agent, AgentVersion, type AgentMemorySettings, type AgentToolPolicy } from "../contract.ts";
import { newestOf } from "../service/find.ts";
import { listVersions } from "../service/list.ts";
import { agentEditor } from "../service/service.ts";
import { AgentStatus } from "../types.ts";
import { pageForward } from "./page.ts";
import { TemplateView, templateOf } from "./template.ts";

export function addAgent(builder: GraphBuilder): void {
  addVersion(builder);
  const Memory = memorySettings(builder);
  nodeType(builder, Agent, {
    name: "Agent",
    description: "A durable agent: a definition that runs execute, in numbered versions.",
    interfaces: [RunTarget],
    ownership: { rule: "SHARED" },
    load: loadRows(Agent),
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "What it is called; unique in the tenant." }),
      description: t.exposeString("description", { description: "What it is for, for people." }),
      status: t.field({ type: AgentStatus, nullable: false, description: "Whether it takes runs.", resolve: (agent) => agent.status }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Who made it.",
        resolve: (agent, _, scope) => actorOf(scope, agent.ownerId),
      }),
      health: t.field({
        type: HealthComponent,
        nullable: false,
        description: "How its next run would fare: its framework, its model and its capabilities. Apart from its status.",
        resolve: async (agent, _, scope) => scope.use(agentEditor).health(scope, agent.name, await newestOf(scope, agent)),
      }),
      frameworkId: t.string({
        nullable: false,
        description: "The id of the framework that runs it.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).framework,
      }),
      model: t.string({
        description: "As binding/model; null for the default model.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).model,
      }),
      instructions: t.string({
        description: "What it is told before every conversation.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).instructions,
      }),
      options: t.field({
        type: "JSON",
        nullable: false,
        description: "Settings of the framework, as they were given.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).options,
      }),
      outputSchema: t.field({
        type: "JSON",
        description: "JSON Schema of its answers, where they are structured.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).outputSchema,
      }),
      memory: t.field({
        type: Memory,
        nullable: false,
        description: "What it recalls before it answers.",
        resolve: async (agent, _, scope) => (await newestOf(scope, agent)).memory,
      }),
      version: t.exposeInt("version", { nullable: false, description: "The number of its newest version." }),
      versions: t.field({
        type: connectionType(builder, "AgentVersion", AgentVersion),
        description: "All its versions, newest first.",
        args: pageForward(t),
        resolve: (agent, page, scope) => listVersions(scope, agent, page) as never,
      }),
      template: t.field({
        type: TemplateView,
        description: "The template that made it; null for none and for one that is no longer installed.",
        resolve: (agent, _, scope) => templateOf(scope, agent.templateName),
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: (agent) => agent.createdAt }),
      updatedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it or its status last changed.",
        resolve: (agent) => agent.updatedAt,
      }),
    }),
  });
  addCapabilities(builder);
}

function addCapabilities(builder: GraphBuilder): void {
  const Policy = toolPolicy(builder);
  builder.objectFields(Agent, (t) => ({
    capabilities: t.field({
      type: [Capability],
      nullable: false,
      description: "The tools and skills that it may use.",
      resolve: async (agent, _, scope) => {
        const { capabilities } = await newestOf(scope, agent);
        const directory = scope.use(capabilityDirectory);
        return (await Promise.all(capabilities.map((name) => directory.findFor(name, agent)))).flatMap((found) => found ?? []);
      },
    }),
    toolPolicies: t.field({
      type: [Policy],
      nullable: false,
      description: "When a person is asked about its calls, beyond what the tools themselves ask.",
      resolve: async (agent, _, scope) => [...((await newestOf(scope, agent)).toolPolicies ?? [])],
    }),
    missingCapabilities: t.stringList({
      nullable: false,
      description: "Names among its capabilities, and among the tools of its skills, that nobody provides now.",
      resolve: async (agent, _, scope) => scope.use(agentEditor).missing(agent, await newestOf(scope, agent)),
    }),
  }));
}

function toolPolicy(builder: GraphBuilder) {
  return builder.objectRef<AgentToolPolicy>("AgentToolPolicy").implement({
    description: "When a person is asked about an agent's calls of a tool.",
    fields: (t) => ({
      tool: t.exposeString("tool", { nullable: false, description: "A tool's name; github.* for all whose names begin so, * for all." }),
      approval: t.field({
        type: ApprovalMode,
        nullable: false,
        description: "Whether a person is asked.",
        resolve: ({ approval }) => approval,
      }),
      condition: t.exposeString("condition", { description: "POLICY: a person is asked where this holds; CEL." }),
      approvers: t.field({
        type: ApproversView,
        description: "Who besides the owner of the run may decide; null where only those may whom the tool itself names.",
        resolve: ({ approvers }) => (approvers === undefined ? null : new ApproversView(approvers)),
      }),
    }),
  });
}

function memorySettings(builder: GraphBuilder) {
  return builder.objectRef<AgentMemorySettings>("AgentMemorySettings").implement({
    description: "What an agent recalls before it answers.",
    fields: (t) => ({
      recall: t.exposeBoolean("recall", {
        nullable: false,
        description:
          "Whether it recalls anything. Without a plugin that provides memory it cannot: its health says so, and its runs go on without.",
      }),
      scopes: t.field({
        type: [MemoryScope],
        nullable: false,
        description: "Whose memory it recalls from.",
        resolve: ({ scopes }) => [...scopes],
      }),
      limit: t.exposeInt("limit", { nullable: false, description: "The most facts that it is shown." }),
    }),
  });
}

function addVersion(builder: GraphBuilder): void {
  nodeType(builder, AgentVersion, {
    name: "AgentVersion",
    description: "One revision of an agent's definition. It never changes.",
    ownership: { rule: "SHARED" },
    load: loadRows(AgentVersion),
    fields: (t) => ({
      version: t.exposeInt("version", { nullable: false, description: "Its number, from 1." }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: (version) => version.createdAt }),
      note: t.exposeString("note", { description: "Why it was made, in the words of who made it." }),
      definition: t.field({
        type: "JSON",
        nullable: false,
        description:
          "What runs of it execute: framework, model, instructions, capabilities, toolPolicies, options, outputSchema and memory.",
        resolve: (version) => version.definition,
      }),
    }),
  });
}
