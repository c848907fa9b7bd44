import type { Contribution, SkillDefinition, ToolRegistry } from "#weftline";
import { Skill, Tool, type CapabilityDirectory } from "./contract.ts";
import type { GuardedChecker } from "./json-schema-guard.ts";
import type { ToolShelf } from "./shelf.ts";

/** What there is to give to agents. */
export interface Contributed {
  readonly tools: Pick<ToolShelf, "get" | "names" | "settled">;
  readonly skills: ReadonlyMap<string, Contribution<SkillDefinition>>;
}

/** Finds and checks tools for the engine. */
export function createToolRegistry(
  { tools, skills }: Contributed,
  checker: Pick<GuardedChecker, "check" | "problemOf">,
  policies: Pick<ToolRegistry, "judge" | "approvers" | "policyProblems">,
): ToolRegistry {
  const unpacked = (name: string): readonly string[] => skills.get(name)?.value.tools ?? [name];
  return {
    ...policies,
    resolve: (names) => [...new Set(names.flatMap(unpacked))].flatMap((name) => tools.get(name)?.value ?? []),
    find: (name) => tools.get(name)?.value,
    settled: (names) => tools.settled(names.flatMap(unpacked)),
    check: (tool, args, caller) => checker.check(tool.inputSchema, args, caller),
    checkSchema: (schema, value, caller) => checker.check(schema, value, caller),
    schemaProblem: (schema, caller) => checker.problemOf(schema, caller),
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
  return { find, list: () => [...tools.names(), ...skills.keys()].toSorted().flatMap((name) => find(name) ?? []) };
}
