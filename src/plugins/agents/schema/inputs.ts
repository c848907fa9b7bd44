import { MemoryScope, inputNamed, type ApproversInput, type GraphBuilder } from "#weftline";
import { ApprovalMode } from "#plugins/capabilities";
import type { CreateAgent, UpdateAgent } from "../service/edit.ts";
import type { PolicyInput } from "../service/policies.ts";
import type { CreateFromTemplate } from "../service/template.ts";
import type { AgentRef } from "../types.ts";

/** The inputs of agents by their names, for those who use them. */
export function agentInputs(builder: GraphBuilder) {
  return {
    ref: inputNamed<AgentRef>(builder, "AgentRef"),
    policy: inputNamed<PolicyInput>(builder, "AgentToolPolicyInput"),
    memory: inputNamed<NonNullable<UpdateAgent["memory"]>>(builder, "AgentMemoryInput"),
    create: inputNamed<CreateAgent>(builder, "CreateAgentInput"),
    fromTemplate: inputNamed<CreateFromTemplate>(builder, "CreateAgentFromTemplateInput"),
    update: inputNamed<UpdateAgent>(builder, "UpdateAgentInput"),
  };
}

export function addInputs(builder: GraphBuilder): void {
  const inputs = agentInputs(builder);
  builder.inputType(inputs.ref, {
    description: "Names one agent.",
    isOneOf: true,
    fields: (t) => ({
      id: t.id({ description: "Its id." }),
      name: t.string({ description: "Its name, which is unique in the tenant." }),
    }),
  });
  builder.inputType(inputs.memory, {
    description: "What an agent recalls before it answers.",
    fields: (t) => ({
      recall: t.boolean({
        description:
          "Whether it recalls anything; not by default. Without a plugin that provides memory it cannot: its health says so, and its runs go on without.",
      }),
      scopes: t.field({
        type: [MemoryScope],
        description: "Whose memory it recalls from; none by default, and then nothing is recalled.",
      }),
      limit: t.int({ description: "The most facts that it is shown, 1 to 100; 5 by default." }),
    }),
  });
  builder.inputType(inputs.policy, {
    description: "When a person is asked about an agent's calls of a tool.",
    fields: (t) => ({
      tool: t.string({
        required: true,
        description: "A tool's name; github.* for all whose names begin so, * for all. The closest name counts.",
      }),
      approval: t.field({ type: ApprovalMode, required: true, description: "Whether a person is asked." }),
      condition: t.string({
        description:
          "POLICY: a person is asked where this holds. CEL over args, agent and run, as in args.amount > 100; what cannot be told is asked about.",
      }),
      approvers: t.field({
        type: inputNamed<ApproversInput>(builder, "ApproversInput"),
        description: "Who besides the owner of the run may decide, with those whom the tool itself names.",
      }),
    }),
  });
  addCreateInputs(builder);
  addUpdateInput(builder);
}

const about = {
  framework: "The id of a framework, as in openai.",
  model: "As binding/model, or a model of the default binding; the default model by default.",
  instructions: "What the agent is told before every conversation, at most 100,000 characters.",
  capabilities:
    "Names of tools and skills, as in time.now; agent.<name> for another agent. One that is not installed is kept and reported.",
  toolPolicies:
    "When a person is asked about its calls. It may ask more often than the tools themselves, not less, unless the operator allows that.",
  options: "Settings of the framework, by its optionsSchema.",
  outputSchema: "JSON Schema of its answers, where they are to be structured.",
  memory: "What it recalls before it answers.",
} as const;

const keyAbout = "The same key and input again give the first answer, for 24 hours.";

function addCreateInputs(builder: GraphBuilder): void {
  const inputs = agentInputs(builder);
  builder.inputType(inputs.create, {
    description: "A new agent.",
    fields: (t) => ({
      name: t.string({ required: true, description: "What it is called, 1 to 100 characters, unique in the tenant." }),
      description: t.string({ description: "What it is for, for people." }),
      framework: t.string({ required: true, description: about.framework }),
      model: t.string({ description: about.model }),
      instructions: t.string({ description: about.instructions }),
      capabilities: t.stringList({ description: about.capabilities }),
      toolPolicies: t.field({ type: [inputs.policy], description: about.toolPolicies }),
      options: t.field({ type: "JSON", description: about.options }),
      outputSchema: t.field({ type: "JSON", description: about.outputSchema }),
      memory: t.field({ type: inputs.memory, description: about.memory }),
      activate: t.boolean({ defaultValue: true, description: "Whether it takes runs at once; otherwise it is a draft." }),
      idempotencyKey: t.string({ description: keyAbout }),
    }),
  });
  builder.inputType(inputs.fromTemplate, {
    description: "A new agent, made by a template.",
    fields: (t) => ({
      template: t.string({ required: true, description: "The template's name or id." }),
      name: t.string({ required: true, description: "What the agent is called, 1 to 100 characters, unique in the tenant." }),
      parameters: t.field({ type: "JSON", description: "By the template's parametersSchema." }),
      activate: t.boolean({ defaultValue: true, description: "Whether it takes runs at once; otherwise it is a draft." }),
      idempotencyKey: t.string({ description: keyAbout }),
    }),
  });
}

function addUpdateInput(builder: GraphBuilder): void {
  const inputs = agentInputs(builder);
  builder.inputType(inputs.update, {
    description: "A change of an agent. What is left out stays; null clears.",
    fields: (t) => ({
      agent: t.field({ type: inputs.ref, required: true, description: "Which agent." }),
      name: t.string({ description: "What it is called; cannot be cleared." }),
      description: t.string({ description: "What it is for, for people." }),
      framework: t.string({ description: `${about.framework} Cannot be cleared.` }),
      model: t.string({ description: about.model }),
      instructions: t.string({ description: about.instructions }),
      capabilities: t.stringList({ description: about.capabilities }),
      toolPolicies: t.field({ type: [inputs.policy], description: about.toolPolicies }),
      options: t.field({ type: "JSON", description: about.options }),
      outputSchema: t.field({ type: "JSON", description: about.outputSchema }),
      memory: t.field({ type: inputs.memory, description: about.memory }),
      note: t.string({ description: "Why; it is kept with the new version. A note makes one also where nothing else of it changed." }),
      expectedVersion: t.int({ description: "Refused unless the agent is at this version, so that no change of another is lost." }),
    }),
  });
}
