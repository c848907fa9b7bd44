import type { OpenAIOptions } from "#plugins/openai";
import { WeftlineError } from "#weftline";
import type { CrewAgent } from "../definition/crew.ts";
import type { Place } from "../play/places.ts";
import { settingsOf } from "../play/settings.ts";
import type { Stage } from "../play/stage.ts";
import { checkPrompt, checker, persona } from "./prompts.ts";

const verdict = {
  type: "object",
  properties: { valid: { type: "boolean" }, feedback: { type: ["string", "null"] } },
  required: ["valid", "feedback"],
  additionalProperties: false,
} as const;

/** Asks a model whether an output keeps to a rule. @returns what is wrong, or nothing. */
export async function brokenRule(
  stage: Stage,
  rule: string,
  output: string,
  { agent, place, options }: { readonly agent: CrewAgent; readonly place: Place; readonly options: OpenAIOptions },
): Promise<string | undefined> {
  const { text } = await stage.ask({
    place,
    agent,
    binding: stage.bindingOf(agent.llm),
    messages: [
      { role: "SYSTEM", parts: [{ type: "text", text: persona(checker) }] },
      { role: "USER", parts: [{ type: "text", text: checkPrompt(rule, output) }] },
    ],
    tools: [],
    options: settingsOf(agent.llm, options),
    outputSchema: verdict,
    voice: "thought",
  });
  const { valid, feedback } = read(text);
  return valid ? undefined : (feedback ?? "It breaks the rule.");
}

/** A verdict that cannot be read counts as one against the output. */
function read(text: string): { readonly valid: boolean; readonly feedback?: string } {
  try {
    const { valid, feedback } = JSON.parse(text) as { readonly valid?: unknown; readonly feedback?: unknown };
    return { valid: valid === true, ...(typeof feedback === "string" && feedback !== "" ? { feedback } : {}) };
  } catch {
    return { valid: false, feedback: `The check answered with something else than a verdict: ${text.slice(0, 200)}` };
  }
}

/** A task whose output never passed. */
export function neverPassed(task: string, retries: number, problem: string): WeftlineError {
  const words = `the output of "${task}" did not pass its guardrail in ${retries + 1} tries: ${problem}`;
  return new WeftlineError("CREW_FAILED", { plugin: "crewai", problem: words });
}
