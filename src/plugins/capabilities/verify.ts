import { isLonger, WeftlineError, type Contribution, type SkillDefinition, type ToolDefinition, type ToolSource } from "#weftline";
import type { Conditions } from "./conditions.ts";
import type { CapabilitiesConfig } from "./config.ts";
import type { JsonSchema, SchemaChecker } from "./json-schema.ts";
import { namePattern } from "./names.ts";
import { ruleProblems } from "./rules.ts";

/** What plugins put at the extension points, complete when the platform is ready. */
export interface Definitions {
  readonly tools: ReadonlyMap<string, Contribution<ToolDefinition>>;
  readonly skills: ReadonlyMap<string, Contribution<SkillDefinition>>;
  readonly sources: ReadonlyMap<string, Contribution<ToolSource>>;
}

/** Of one schema, in characters of JSON. */
const maxSchema = 65_536;
const sourcePattern = /^[A-Za-z0-9_-]{1,32}$/;

/**
 * Refuses definitions that no agent could use.
 *
 * @throws CAPABILITY_INVALID with every problem; each names its plugin.
 */
export function verifyCapabilities({ tools, skills, sources }: Definitions, checker: Pick<SchemaChecker, "problemOf">): void {
  const problems = [
    ...[...tools.values()].flatMap(({ key, value, plugin }) =>
      toolProblems(key, value, (schema) => checker.problemOf(schema)).map((problem) => ({ plugin, what: `tool "${key}"`, problem })),
    ),
    ...[...skills.values()].flatMap(({ key, value, plugin }) =>
      skillProblems(key, value, tools.get(key)?.plugin).map((problem) => ({ plugin, what: `skill "${key}"`, problem })),
    ),
    ...[...sources.values()].flatMap(({ key, plugin }) =>
      sourcePattern.test(key)
        ? []
        : [{ plugin, what: `source of tools "${key}"`, problem: "its name is not 1 to 32 letters, digits, _ or -" }],
    ),
  ];
  refuseIf(problems);
}

/**
 * Refuses conditions that could not be told, of tools and of the operator.
 *
 * @throws CAPABILITY_INVALID with every problem.
 */
export async function verifyConditions(
  { tools }: Definitions,
  { tools: settings }: CapabilitiesConfig,
  conditions: Conditions,
): Promise<void> {
  const rules = [
    ...[...tools.values()].map(({ key, value, plugin }) => ({
      plugin,
      what: `tool "${key}"`,
      rule: value.approval,
      schema: value.inputSchema,
    })),
    ...Object.entries(settings).map(([name, { approval = "NEVER" }]) => {
      return { plugin: "capabilities", what: `setting of "${name}"`, rule: approval, schema: tools.get(name)?.value.inputSchema };
    }),
  ];
  const problems = await Promise.all(
    rules.map(async ({ plugin, what, rule, schema }) => {
      const problem = typeof rule === "string" ? undefined : await conditions.problemOf(rule.when, schema);
      return problem === undefined ? [] : [{ plugin, what, problem: `the condition of its approval: ${problem}` }];
    }),
  );
  refuseIf(problems.flat());
}

function refuseIf(problems: readonly { readonly plugin: string; readonly what: string; readonly problem: string }[]): void {
  const [first] = problems;
  if (!first) return;
  const list = problems.map(({ plugin, what, problem }) => `the ${what} of "${plugin}": ${problem}`).join("; ");
  throw new WeftlineError("CAPABILITY_INVALID", { plugin: first.plugin, problems: list });
}

function nameProblems(key: string, name: string): string[] {
  return [
    ...(namePattern.test(key) ? [] : ["its name is not 1 to 64 letters, digits, _, - or ."]),
    ...(name === key ? [] : [`it is contributed under this key but names itself "${name}"`]),
  ];
}

/**
 * Why no agent could use a tool; empty where one can.
 *
 * @param problemOf why a schema of it cannot be used, or nothing
 */
export function toolProblems(
  key: string,
  tool: ToolDefinition,
  problemOf: (schema: JsonSchema, name: string) => string | undefined,
): string[] {
  const schemas = { inputSchema: tool.inputSchema, ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }) };
  return [
    ...nameProblems(key, tool.name),
    ...Object.entries(schemas).flatMap(([name, schema]) => {
      const tooLong = isLonger(JSON.stringify(schema) ?? "", maxSchema);
      const problem = tooLong ? `it has more than ${maxSchema} characters` : problemOf(schema, name);
      return problem === undefined ? [] : [`its ${name} is not valid: ${problem}`];
    }),
    ...(tool.inputSchema?.["type"] === "object" ? [] : ['its inputSchema has to say type: "object"']),
    ...ruleProblems(tool),
    ...(tool.concurrency === undefined || tool.concurrency >= 1 ? [] : ["its concurrency is below 1"]),
  ];
}

function skillProblems(key: string, skill: SkillDefinition, toolOf: string | undefined): string[] {
  return [...nameProblems(key, skill.name), ...(toolOf === undefined ? [] : [`a tool of "${toolOf}" has the same name`])];
}

/** Tools that a skill names and nobody brings, as `skill → tool`. */
export function missingTools({ skills }: Pick<Definitions, "skills">, isThere: (name: string) => boolean): readonly string[] {
  return [...skills.values()].flatMap(({ key, value }) => value.tools.filter((name) => !isThere(name)).map((name) => `${key} → ${name}`));
}
