import type { Contribution, ToolDefinition, ToolRegistry } from "#weftline";
import { Skill, Tool, type CapabilityDirectory, type SkillDefinition } from "./contract.ts";
import type { SchemaChecker } from "./json-schema.ts";

/** What plugins put at the two extension points; complete when the platform is ready. */
export interface Contributed {
  readonly tools: ReadonlyMap<string, Contribution<ToolDefinition>>;
  readonly skills: ReadonlyMap<string, Contribution<SkillDefinition>>;
}

/** Finds and checks tools for the engine. */
export function createToolRegistry({ tools, skills }: Contributed, checker: SchemaChecker): ToolRegistry {
  const unpacked = (name: string): readonly string[] => (tools.has(name) ? [name] : (skills.get(name)?.value.tools ?? []));
  return {
    resolve: (names) => [...new Set(names.flatMap(unpacked))].flatMap((name) => tools.get(name)?.value ?? []),
    find: (name) => tools.get(name)?.value,
    check: (tool, args) => checker.check(tool.inputSchema, args),
    checkSchema: (schema, value) => checker.check(schema, value),
    schemaProblem: (schema) => checker.problemOf(schema),
  };
}

/** Lists and finds capabilities for the graph and for other plugins. */
export function createDirectory({ tools, skills }: Contributed): CapabilityDirectory {
  const find = (name: string): Tool | Skill | undefined => {
    const tool = tools.get(name);
    if (tool) return new Tool(tool.value, tool.plugin);
    const skill = skills.get(name);
    return skill && new Skill(skill.value, skill.plugin);
  };
  return { find, list: () => [...tools.keys(), ...skills.keys()].toSorted().flatMap((name) => find(name) ?? []) };
}
