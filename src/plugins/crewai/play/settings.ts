import { openaiOptions, type OpenAIOptions } from "#plugins/openai";
import type { ModelChoice } from "../definition/crew.ts";

/** What the crew's file says of a model goes before what its platform agent says. */
export function settingsOf({ temperature, topP, maxTokens }: ModelChoice, options: OpenAIOptions): OpenAIOptions {
  return openaiOptions.parse({
    ...options,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
  });
}
