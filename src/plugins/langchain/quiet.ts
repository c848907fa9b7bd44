/**
 * What LangChain looks for in the environment at every call: traces of whole conversations to LangSmith, and to the console. No option turns
 * them off.
 */
const switches = [
  "LANGSMITH_TRACING",
  "LANGSMITH_TRACING_V2",
  "LANGCHAIN_TRACING",
  "LANGCHAIN_TRACING_V2",
  "LANGSMITH_GATEWAY",
  "LANGCHAIN_VERBOSE",
];

/** Takes LangChain's switches out of this process: what leaves the server is decided by its configuration alone. */
export function quieten(): void {
  for (const name of switches) delete process.env[name];
}
