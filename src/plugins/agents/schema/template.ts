import { nodeType, type Contribution, type GraphBuilder, type Scope } from "#weftline";
import { templates, type AgentTemplate } from "../contract.ts";

/** The type key of `AgentTemplate`. */
export class TemplateView {
  readonly id: string;
  readonly plugin: string;
  readonly template: AgentTemplate;

  constructor({ key, plugin, value }: Contribution<AgentTemplate>) {
    this.id = key;
    this.plugin = plugin;
    this.template = value;
  }
}

export function templateOf(scope: Scope, name: string | null | undefined): TemplateView | null {
  const found = name == null ? undefined : scope.contributions(templates).get(name);
  return found ? new TemplateView(found) : null;
}

function allTemplates(scope: Scope): TemplateView[] {
  const found = [...scope.contributions(templates).values()];
  return found.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((each) => new TemplateView(each));
}

export function addTemplates(builder: GraphBuilder): void {
  nodeType(builder, TemplateView, {
    name: "AgentTemplate",
    description: "A blueprint with typed parameters that makes an agent.",
    ownership: { rule: "INSTALLED" },
    load: async (ids, scope) => ids.map((id) => templateOf(scope, id)),
    fields: (t) => ({
      name: t.exposeString("id", { nullable: false, description: "Its name, unique among templates." }),
      description: t.string({
        nullable: false,
        description: "For whom it is and what it does.",
        resolve: ({ template }) => template.description,
      }),
      plugin: t.exposeString("plugin", { nullable: false, description: "The plugin that brought it." }),
      parametersSchema: t.field({
        type: "JSON",
        nullable: false,
        description: "JSON Schema of its parameters.",
        resolve: ({ template }) => template.parametersSchema,
      }),
      frameworkId: t.string({
        nullable: false,
        description: "The id of the framework of its agents.",
        resolve: ({ template }) => template.framework,
      }),
    }),
  });
  builder.queryField("agentTemplates", (t) =>
    t.field({
      type: [TemplateView],
      description: "The templates of all plugins, by name.",
      resolve: (_, __, scope) => allTemplates(scope),
    }),
  );
}
