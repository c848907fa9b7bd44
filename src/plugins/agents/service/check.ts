import type { StandardSchemaV1 } from "@standard-schema/spec";
import { WeftlineError, asWeftlineError, characterCount, isBlank, isLonger, type AgentRuntime } from "#weftline";
import type { AgentDefinition, AgentMemorySettings, JsonObject } from "../types.ts";
import type { DefinitionDraft } from "./draft.ts";
import type { AgentsHost } from "./host.ts";
import { policyProblems } from "./policies.ts";
import { refuseIf, type Problem } from "./problems.ts";

const maxInstructions = 100_000;
const maxCapabilities = 128;
/** Room for the name of an agent behind what it is a capability for, as in `agent.<name>`. */
const maxCapabilityName = 120;
const maxModel = 200;
const maxMemories = 100;
/** Of options and of an output schema, in characters of JSON. */
const maxJson = 65_536;

/**
 * Checks a definition against what is installed.
 *
 * @param base where its fields stand in the arguments, for the errors.
 * @param found what else is wrong with the same input: all problems are reported at once.
 * @throws FRAMEWORK_UNKNOWN, INVALID_INPUT
 */
export async function checkDefinition(
  host: AgentsHost,
  draft: DefinitionDraft,
  base: readonly string[],
  found: readonly Problem[] = [],
): Promise<AgentDefinition> {
  const runtime = runtimeOf(host, draft.framework, [...base, "framework"]);
  refuseIf([
    ...found,
    ...modelProblems(host, draft.model, [...base, "model"]),
    ...instructionsProblems(draft.instructions, [...base, "instructions"]),
    ...capabilityProblems(draft.capabilities, [...base, "capabilities"]),
    ...(await policyProblems(host.tools, draft.toolPolicies, [...base, "toolPolicies"])),
    ...(await optionsProblems(runtime, draft, base)),
    ...(await outputSchemaProblems(host, draft.outputSchema, [...base, "outputSchema"])),
    ...memoryProblems(draft.memory, [...base, "memory"]),
  ]);
  return { ...draft, options: draft.options as JsonObject, outputSchema: draft.outputSchema as JsonObject | null };
}

/** @throws FRAMEWORK_UNKNOWN naming those that there are. */
function runtimeOf(host: AgentsHost, framework: string, path: readonly string[]): AgentRuntime {
  const runtime = host.runtimes.get(framework)?.value;
  if (runtime) return runtime;
  const known = [...host.runtimes.keys()].toSorted().join(", ") || "none is installed";
  const problem = framework === "" ? "An agent needs a framework." : `There is no framework "${framework}".`;
  const message = `${problem} Choose one of: ${known}.`;
  throw new WeftlineError("FRAMEWORK_UNKNOWN", { framework, known, path, message, issues: [{ path, message }] });
}

function modelProblems({ models }: AgentsHost, model: string | null, path: readonly string[]): Problem[] {
  if (model === null) return [];
  if (isBlank(model)) return [{ path, message: "A model's name is not blank; leave it out for the default model." }];
  if (isLonger(model, maxModel)) return [{ path, message: `A model's name has at most ${maxModel} characters.` }];
  try {
    models?.resolve(model, { simulated: "allowed" });
  } catch (error) {
    // One that is known but away now is the concern of the agent's health, not of its definition.
    const { kind, message, details } = asWeftlineError(error);
    if (kind === "input") return [{ path, message: details.issues?.map((issue) => issue.message).join(" ") || message }];
    if (kind === "internal") throw error;
  }
  return [];
}

function instructionsProblems(instructions: string | null, path: readonly string[]): Problem[] {
  if (instructions === null || !isLonger(instructions, maxInstructions)) return [];
  return [{ path, message: `Instructions have at most ${maxInstructions} characters; these have ${characterCount(instructions)}.` }];
}

function capabilityProblems(names: readonly string[], path: readonly string[]): Problem[] {
  if (names.length > maxCapabilities)
    return [{ path, message: `An agent has at most ${maxCapabilities} capabilities; these are ${names.length}.` }];
  return names.flatMap((name, index) =>
    !isBlank(name) && !isLonger(name, maxCapabilityName)
      ? []
      : [{ path: [...path, String(index)], message: `A capability's name has 1 to ${maxCapabilityName} characters.` }],
  );
}

async function optionsProblems(runtime: AgentRuntime, draft: DefinitionDraft, base: readonly string[]): Promise<readonly Problem[]> {
  const path = [...base, "options"];
  const shape = objectProblems(draft.options, path, "Options are");
  const refused = [...shape, ...prototypeProblems(draft.options, path)];
  if (refused.length > 0) return refused;
  const { value, problems } = await readBy(runtime.options, draft.options, path);
  return problems.length === 0 && runtime.answersElsewhere?.(value) ? unheardProblems(draft, base) : problems;
}

/** What an agent has that whoever answers for it elsewhere would never hear of. */
function unheardProblems({ instructions, capabilities, toolPolicies, model }: DefinitionDraft, base: readonly string[]): Problem[] {
  const given = { instructions: instructions || null, capabilities: capabilities[0], toolPolicies: toolPolicies[0], model };
  const message = "The agent's options have it answered elsewhere, where nobody hears of this: leave it out.";
  return Object.entries(given).flatMap(([name, value]) => (value == null ? [] : [{ path: [...base, name], message }]));
}

/** A value by any Standard Schema: what it became, and what is wrong with it. */
export async function readBy(
  schema: StandardSchemaV1,
  value: unknown,
  path: readonly string[],
): Promise<{ readonly value: unknown; readonly problems: readonly Problem[] }> {
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return { value: result.value, problems: [] };
  const problems = result.issues.map((issue) => ({
    path: [...path, ...(issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))],
    message: issue.message,
  }));
  return { value: undefined, problems };
}

/** Schemas of zod drop a field of this name without a word. */
export function prototypeProblems(value: unknown, path: readonly string[]): Problem[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === "__proto__"
      ? [{ path: [...path, name], message: "No field can have this name, since objects of JavaScript have it: rename it." }]
      : prototypeProblems(each, [...path, name]),
  );
}

async function outputSchemaProblems({ tools }: AgentsHost, schema: unknown, path: readonly string[]): Promise<Problem[]> {
  if (schema === null) return [];
  const shape = objectProblems(schema, path, "An output schema is");
  if (shape.length > 0) return shape;
  const problem = await tools.schemaProblem(schema);
  return problem === undefined ? [] : [{ path, message: `This is not a JSON Schema: ${problem}.` }];
}

function objectProblems(value: unknown, path: readonly string[], what: string): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ path, message: `${what} a JSON object.` }];
  return isLonger(JSON.stringify(value), maxJson) ? [{ path, message: `${what} at most ${maxJson} characters of JSON.` }] : [];
}

function memoryProblems({ limit }: AgentMemorySettings, path: readonly string[]): Problem[] {
  return limit >= 1 && limit <= maxMemories ? [] : [{ path: [...path, "limit"], message: `The limit is 1 to ${maxMemories}.` }];
}
