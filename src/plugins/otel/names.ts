/** Attributes by the GenAI conventions as of schema gen-ai/1.42, which are in development: a list of our own, so that an update of theirs renames nothing unseen. */
export const genAi = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  conversation: "gen_ai.conversation.id",
  agent: "gen_ai.agent.name",
  workflow: "gen_ai.workflow.name",
  tool: "gen_ai.tool.name",
  toolType: "gen_ai.tool.type",
  callId: "gen_ai.tool.call.id",
  callArguments: "gen_ai.tool.call.arguments",
  callResult: "gen_ai.tool.call.result",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  input: "gen_ai.input.messages",
  output: "gen_ai.output.messages",
  error: "error.type",
} as const;

/** What the conventions have no name for. */
export const weftline = {
  run: "weftline.run.id",
  status: "weftline.status",
  provenance: "weftline.provenance",
  target: "weftline.target.type",
  framework: "weftline.framework",
  step: "weftline.step.kind",
  attempt: "weftline.attempt",
  cost: "weftline.cost",
  currency: "weftline.cost.currency",
  estimated: "weftline.usage.estimated",
} as const;
