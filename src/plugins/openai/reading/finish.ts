import type { AnswerEnd } from "../answer.ts";

const reasons: Readonly<Record<string, NonNullable<AnswerEnd["reason"]>>> = {
  length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  model_length: "length",
  tool_calls: "tools",
  tool_use: "tools",
  function_call: "tools",
  content_filter: "filter",
  safety: "filter",
  recitation: "filter",
  prohibited_content: "filter",
};

/** Ends in which the provider broke off: it may do better when it is asked again. */
const failures = /error|abort|cancel|insufficient_system_resource|malformed|overload/;

/** How an answer ended, by what the provider calls it; a reason that is not known is an end like another. */
export function endOf(reason: unknown): Pick<AnswerEnd, "reason" | "failure"> {
  const name = String(reason).toLowerCase();
  const known = Object.hasOwn(reasons, name) ? reasons[name] : undefined;
  if (known === undefined && failures.test(name)) return { failure: { message: `It ended the answer with "${name}".` } };
  return { reason: known ?? "stop" };
}
