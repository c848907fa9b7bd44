import {
  ApproversView,
  Node,
  Run,
  RunTarget,
  connectionType,
  defineEnum,
  enumKey,
  nodeType,
  pageOfList,
  resultType,
  type GraphBuilder,
  type Scope,
} from "#weftline";
import { ApprovalMode, Capability, Skill, Tool, capabilityDirectory, toolCaller } from "./contract.ts";

const CapabilityKind = enumKey("TOOL", "SKILL");
const SideEffects = enumKey("NONE", "READ", "WRITE", "EXTERNAL");

/** The graph of what agents can be given. */
export function addCapabilitySchema(builder: GraphBuilder): void {
  addEnums(builder);
  builder.interfaceType(Capability, {
    name: "Capability",
    description: "Something that an agent can be given.",
    interfaces: [Node],
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "Its name, unique among tools and skills." }),
      kind: t.field({ type: CapabilityKind, nullable: false, description: "What sort.", resolve: (capability) => capability.kind }),
      description: t.exposeString("description", { nullable: false, description: "What it is for; the model reads it." }),
      plugin: t.exposeString("plugin", { nullable: false, description: "The plugin that brought it." }),
    }),
  });
  addTool(builder);
  addSkill(builder);
  addQuery(builder);
  addMutation(builder);
}

function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, CapabilityKind, "CapabilityKind", "What sort of capability.", {
    TOOL: "Something to call.",
    SKILL: "Instructions and the tools that go with them.",
  });
  defineEnum(builder, SideEffects, "SideEffects", "What a call changes.", {
    NONE: "Nothing: it only calculates.",
    READ: "Nothing, but it reads what may change.",
    WRITE: "Something within the platform.",
    EXTERNAL: "Something outside the platform.",
  });
  defineEnum(builder, ApprovalMode, "ApprovalMode", "Whether a person has to allow a call.", {
    NEVER: "Nobody is asked.",
    ALWAYS: "Each call waits for a person.",
    POLICY: "A condition on the call's arguments decides.",
  });
}

function addTool(builder: GraphBuilder): void {
  nodeType(builder, Tool, {
    name: "Tool",
    description: "Something that an agent can call.",
    // The last one's description counts: a tool always has one.
    interfaces: [RunTarget, Capability],
    ownership: { rule: "INSTALLED" },
    load: found(Tool),
    fields: (t) => ({
      inputSchema: t.field({
        type: "JSON",
        nullable: false,
        description: "JSON Schema of the arguments.",
        resolve: (tool) => tool.definition.inputSchema,
      }),
      outputSchema: t.field({
        type: "JSON",
        description: "JSON Schema of the result, where it is known.",
        resolve: (tool) => tool.definition.outputSchema ?? null,
      }),
      sideEffects: t.field({
        type: SideEffects,
        nullable: false,
        description: "What a call changes.",
        resolve: (tool) => tool.definition.sideEffects,
      }),
      approval: t.field({
        type: ApprovalMode,
        nullable: false,
        description: "Whether a person has to allow a call. The agent that calls may have a policy of its own.",
        resolve: ({ definition }) => (typeof definition.approval === "string" ? definition.approval : "POLICY"),
      }),
      approvalCondition: t.string({
        description: "Where approval is POLICY: a person is asked where this holds, CEL over args, agent and run.",
        resolve: ({ definition }) => (typeof definition.approval === "string" ? null : definition.approval.when),
      }),
      approvers: t.field({
        type: ApproversView,
        description: "Who besides the owner of a run may allow a call; null for nobody. An agent's policy may name more.",
        resolve: ({ definition }) => (definition.approvers === undefined ? null : new ApproversView(definition.approvers)),
      }),
      concurrency: t.int({
        description: "How many calls run at once in one server process; null for any number.",
        resolve: (tool) => tool.definition.concurrency ?? null,
      }),
      idempotent: t.boolean({
        nullable: false,
        description: "Whether the same call may run again after a crash.",
        resolve: (tool) => tool.definition.idempotent,
      }),
      timeout: t.field({
        type: "Duration",
        nullable: false,
        description: "How long a call may take, without the time that it waits for its turn.",
        resolve: (tool) => tool.definition.timeoutMs,
      }),
    }),
  });
}

function addSkill(builder: GraphBuilder): void {
  nodeType(builder, Skill, {
    name: "Skill",
    description: "Instructions and the tools that go with them.",
    interfaces: [Capability],
    ownership: { rule: "INSTALLED" },
    load: found(Skill),
    fields: (t) => ({
      instructions: t.exposeString("instructions", { nullable: false, description: "Told to the agent after its own instructions." }),
      tools: t.field({
        type: [Tool],
        nullable: false,
        description: "Its tools, those that are installed.",
        resolve: (skill, _, scope) => toolsOf(skill, scope),
      }),
    }),
  });
}

function addQuery(builder: GraphBuilder): void {
  const CapabilityConnection = connectionType(builder, "Capability", Capability);
  builder.queryField("capabilities", (t) =>
    t.field({
      type: CapabilityConnection,
      description: "Tools and skills that agents can be given, by name.",
      args: {
        kind: t.arg({ type: CapabilityKind, description: "Only this sort." }),
        search: t.arg.string({ description: "Only those whose name or description holds this text; case does not matter." }),
        first: t.arg.int({ description: "How many, at most 100; 20 by default." }),
        after: t.arg.string({ description: "Start behind this cursor." }),
      },
      resolve: (_, { kind, search, ...page }, scope) =>
        pageOfList(scope.use(capabilityDirectory).list().filter(matching(kind, search)), page, ({ id }) => id) as never,
    }),
  );
}

function addMutation(builder: GraphBuilder): void {
  const called = resultType<{ readonly run: Run }>(builder, "CallTool", {
    errors: ["conflict", "unavailable", "budget"],
    fields: (t) => ({
      run: t.field({
        type: Run,
        nullable: false,
        description: "The run that calls it; its output is the result.",
        resolve: ({ run }) => run,
      }),
    }),
  });
  builder.mutationField("callTool", (t) =>
    t.field({
      type: called.type,
      nullable: false,
      description:
        "Calls a tool as an agent would: its policy may ask for a decision first. Answers at once; follow the run with runEvents.",
      args: {
        name: t.arg.string({ required: true, description: "The tool's name." }),
        arguments: t.arg({ type: "JSON", required: true, description: "By the tool's inputSchema, at most 256 KiB." }),
        idempotencyKey: t.arg.string({ description: "The same key and arguments again give the first answer, for 24 hours." }),
      },
      resolve: (_, call, scope) => called.attempt(async () => ({ run: await scope.use(toolCaller).call(scope, call) })),
    }),
  );
}

function matching(kind: string | null | undefined, search: string | null | undefined): (capability: Capability) => boolean {
  const wanted = search?.trim().toLowerCase() ?? "";
  return (capability) =>
    (kind == null || capability.kind === kind) &&
    (wanted === "" || `${capability.name}\n${capability.description}`.toLowerCase().includes(wanted));
}

async function toolsOf(skill: Skill, scope: Scope): Promise<Tool[]> {
  const directory = scope.use(capabilityDirectory);
  const named = await Promise.all(skill.toolNames.map((name) => directory.findFor(name, scope.viewer)));
  return named.filter((capability) => capability instanceof Tool);
}

function found(type: typeof Tool | typeof Skill) {
  return async (names: readonly string[], scope: Scope): Promise<(Tool | Skill | undefined)[]> => {
    const directory = scope.use(capabilityDirectory);
    const capabilities = await Promise.all(names.map((name) => directory.findFor(name, scope.viewer)));
    return capabilities.map((capability) => (capability instanceof type ? capability : undefined));
  };
}
