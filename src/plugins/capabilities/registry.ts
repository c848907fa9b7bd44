import type { Contribution, SkillDefinition, TenantTools, ToolDefinition, ToolOwner, ToolRegistry } from "#weftline";
import { Skill, Tool, type CapabilityDirectory } from "./contract.ts";
import type { GuardedChecker } from "./json-schema-guard.ts";
import type { ToolShelf } from "./shelf.ts";

/** What there is to give to agents. */
export interface Contributed {
  readonly tools: Pick<ToolShelf, "get" | "names" | "settled">;
  readonly skills: ReadonlyMap<string, Contribution<SkillDefinition>>;
  /** What each tenant has of its own. */
  readonly ofTenants: ReadonlyMap<string, Contribution<TenantTools>>;
}

/** Finds and checks tools for the engine. */
export function createToolRegistry(
  { tools, skills, ofTenants }: Contributed,
  checker: Pick<GuardedChecker, "check" | "problemOf">,
  policies: Pick<ToolRegistry, "judge" | "approvers" | "policyProblems">,
): ToolRegistry {
  const unpacked = (name: string): readonly string[] => skills.get(name)?.value.tools ?? [name];
  return {
    ...policies,
    resolve: (names) => [...new Set(names.flatMap(unpacked))].flatMap((name) => tools.get(name)?.value ?? []),
    find: (name) => tools.get(name)?.value,
    async ofTenant(names, owner) {
      const found = await Promise.all([...new Set(names.flatMap(unpacked))].map((name) => tenantTool(ofTenants, name, owner)));
      return found.flatMap((tool) => tool?.value ?? []);
    },
    settled: (names) => tools.settled(names.flatMap(unpacked)),
    check: (tool, args, caller) => checker.check(tool.inputSchema, args, caller),
    checkSchema: (schema, value, caller) => checker.check(schema, value, caller),
    schemaProblem: (schema, caller) => checker.problemOf(schema, caller),
  };
}

/** The tool of a tenant's own that a name stands for, and which plugin brought it. */
async function tenantTool(
  ofTenants: Contributed["ofTenants"],
  name: string,
  owner: ToolOwner,
): Promise<Contribution<ToolDefinition> | undefined> {
  const dot = name.indexOf(".");
  const source = dot > 0 ? ofTenants.get(name.slice(0, dot)) : undefined;
  const value = await source?.value.resolve(name.slice(dot + 1), owner);
  return source && value ? { ...source, value } : undefined;
}

/** Lists and finds capabilities for the graph and for other plugins. */
export function createDirectory({ tools, skills, ofTenants }: Contributed): CapabilityDirectory {
  const find = (name: string): Tool | Skill | undefined => {
    const tool = tools.get(name);
    if (tool) return new Tool(tool.value, tool.plugin);
    const skill = skills.get(name);
    return skill && new Skill(skill.value, skill.plugin);
  };
  const findFor = async (name: string, owner: ToolOwner): Promise<Tool | Skill | undefined> => {
    const found = find(name) ?? (await tenantTool(ofTenants, name, owner));
    return found && "value" in found ? new Tool(found.value, found.plugin) : found;
  };
  return { find, findFor, list: () => [...tools.names(), ...skills.keys()].toSorted().flatMap((name) => find(name) ?? []) };
}
