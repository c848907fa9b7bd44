import { WeftlineError, type InputProblem } from "../../errors.ts";
import { boundedJson } from "../../json/bounded.ts";
import { invalidInput } from "../schema/limits.ts";
import type { JobDefinition } from "./definition.ts";
import { pathOf } from "./state.ts";

/** The most that a job is started with, in bytes of JSON. */
const maxBytes = 256 * 1024;

/**
 * What a job makes of what it is started with. A schema that does not take an omitted one is given `{}` instead.
 *
 * @throws INVALID_INPUT whose issues name the fields.
 */
export async function readInput({ name, input: schema }: JobDefinition, given: unknown): Promise<unknown> {
  const refuse = (issues: readonly InputProblem[]): never => {
    throw invalidInput(issues.map(({ path, message }) => ({ path: ["input", "input", ...path], message })));
  };
  if (!schema) return given == null ? undefined : refuse([{ path: [], message: `"${name}" takes no input: leave it out.` }]);
  let result = await schema["~standard"].validate(given ?? undefined);
  if (result.issues && given == null) result = await schema["~standard"].validate({});
  if (!result.issues) return result.value;
  return refuse(result.issues.map(({ path, message }) => ({ path: pathOf(path), message })));
}

/** What a plugin starts a job with, as JSON. @throws INVALID_INPUT */
export function plainInput(given: unknown): unknown {
  if (given == null) return undefined;
  const { text, value } = boundedJson(given, maxBytes);
  if (text !== undefined) return value;
  const path = ["input", "input"];
  throw new WeftlineError("INVALID_INPUT", { path, message: `input.input: At most ${maxBytes / 1024} KiB.` });
}
