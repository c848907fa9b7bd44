/** The options of an agent on LangChain are those of the plugin openai: to move between the two, change the framework. */
export {
  openaiOptions as langchainOptions,
  openaiOptionsSchema as langchainOptionsSchema,
  type OpenAIOptions as LangChainOptions,
} from "#plugins/openai";
