import { definitionProblems, checkDefinition } from "../definition/problems.ts";
import type { ReadDefinition } from "../definition/read.ts";
import type { WorkflowDefinition } from "../definition/types.ts";
import type { WorkflowsHost } from "./host.ts";
import type { DefinitionInput } from "./input.ts";
import type { Problem } from "./problems.ts";
import { surroundingsOf, type Beside } from "./surroundings.ts";

/**
 * Reads and checks a definition. Use it only where nothing is wrong with it.
 *
 * @param path where it stands in the input, for the problems.
 */
export function checkInput(
  host: WorkflowsHost,
  beside: Beside,
  { inputSchema, nodes }: DefinitionInput,
  path: readonly string[],
): Promise<ReadDefinition> {
  return checkDefinition({ inputSchema, nodes }, surroundingsOf(host, beside), path);
}

/** All that is wrong with a definition that was read. */
export function checkStored(
  host: WorkflowsHost,
  beside: Beside,
  definition: WorkflowDefinition,
  path: readonly string[],
): Promise<readonly Problem[]> {
  return definitionProblems(definition, surroundingsOf(host, beside), path);
}
