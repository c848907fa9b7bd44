import { entry, type CodeEntry } from "./entry.ts";

/** Stand in a run's failure. */
export const runErrors = {
  PROCESS_LOST: entry("unavailable", "The server process was lost while the run was at work.", "Retry the run with retryRun."),
  JOB_STATE_INVALID: entry(
    "conflict",
    'What a run of the job "{job}" saves, or has saved, is no state of it: {problem}',
    "Start the job anew with startJob. What a job saves is JSON of at most 64 KiB, and fits the job's own schema in later versions, too.",
  ),
  RUN_POISONED: entry(
    "internal",
    "The run was given up: too often its process was lost or stopped answering while it was at work.",
    "Look into the log of the server, then retry the run.",
  ),
  RUN_DEADLINE: entry("conflict", "The run passed its deadline.", "Give it a longer deadline in limits."),
  RUN_LIMIT: entry("conflict", "The run reached its limit of {limit}.", "Raise it in limits."),
  BUDGET_EXCEEDED: entry(
    "budget",
    "A budget does not allow it: {problem}",
    "Wait until its period begins anew, or ask an admin to raise it with setBudget.",
  ),
  PRICE_UNKNOWN: entry(
    "conflict",
    "The price of the model {provider}/{model} is not known, and a call without a price is forbidden here.",
    'Give it a price, as in budgets({ prices: { "{provider}/{model}": { input: "1", output: "2" } } }), or allow calls without one.',
  ),
  RUN_TOO_DEEP: entry(
    "conflict",
    "The chain of runs {chain} is too long: {problem}.",
    "Let whoever stands earlier in the chain do the work, or take the capability that leads back away.",
  ),
  STATE_REFUSED: entry(
    "conflict",
    "What the run wants kept is refused: {problem}.",
    "Keep messages and plain values; put what is large into a file, and what is old out of the state.",
  ),
  NODE_REJECTED: entry("conflict", '"{node}" was rejected{reason}', "Retry the run from this node with retryRun to ask again."),
  NODE_EXPIRED: entry("conflict", 'Nobody answered "{node}" in time.', "Retry the run from this node with retryRun to ask again."),
  NODE_TIMEOUT: entry("conflict", "The node was not done within {timeout}.", "Give the node a longer timeout."),
  CHILD_RUN_FAILED: entry(
    "conflict",
    'The run of "{target}" failed ({code}).',
    "Read the failure of that run; then retry this one with retryRun.",
  ),
  NODE_FAILED: entry(
    "conflict",
    'The node "{node}" failed: {problem}',
    "Correct the graph or the workflow, or start again from a node or a checkpoint with retryRun.",
  ),
  UNCAUGHT_ERROR: entry(
    "internal",
    "An error in {where} was not caught.",
    "Look for the run's or the request's id in the log of the server, and await or catch there what fails.",
  ),
  RUN_FENCED: entry("internal", "Another owner took the run over; what this one wrote was refused.", "Nothing: the new owner goes on."),
  RUN_SUSPENDED: entry("internal", "The run waits for a decision.", "Decide its interrupt."),
  RUN_CANCELLED: entry("internal", "The run was cancelled.", "Nothing."),
  PROTOCOL_VIOLATION: entry(
    "internal",
    'The plugin "{plugin}" broke the run protocol: {problem}',
    "Report it to the plugin's author; docs/run-protocol.md has the rules.",
  ),
  PROVIDER_AUTH: entry(
    "unavailable",
    "The model provider {provider} refused the credentials (status {status}).",
    "Check the API key of the binding.",
  ),
  PROVIDER_RATE_LIMITED: entry(
    "rateLimited",
    "The model provider {provider} answered that it is overloaded (status {status}).",
    "Wait, or raise the provider's limits.",
  ),
  PROVIDER_FAILED: entry(
    "unavailable",
    "The model provider {provider} failed (status {status}): {problem}",
    "Try again; if it stays, ask the provider.",
  ),
  PROVIDER_REJECTED: entry(
    "input",
    "The model provider {provider} rejected the request (status {status}): {problem}",
    "Check the agent's model and options.",
  ),
  PROVIDER_TIMEOUT: entry(
    "unavailable",
    "The model provider {provider} did not answer in time.",
    "Try again, or raise the binding's timeout.",
  ),
  PROVIDER_UNREACHABLE: entry(
    "unavailable",
    "The model provider {provider} could not be reached.",
    "Check the base URL of the binding and the network.",
  ),
  FILE_UNSUPPORTED: entry(
    "input",
    'The file "{file}" ({mediaType}) cannot be taken: {who} takes no such files{why}.',
    "Choose a model or a framework that does, or say in words what matters in the file.",
  ),
  MODEL_REFUSED: entry("conflict", "The model refused: {problem}", "Ask for something else, or choose another model."),
  CONNECTION_LOST: entry(
    "unavailable",
    "The connection to {provider} broke before its answer was complete.",
    "Retry the run; if it stays, check the network and what stands between.",
  ),
  STREAM_TRUNCATED: entry(
    "unavailable",
    "The answer of {provider} ended before it was complete, without a word of why.",
    "Retry the run; if it stays, ask the provider.",
  ),
  OUTPUT_INVALID: entry(
    "conflict",
    "The answer does not fit the output schema: {problem}",
    "Make the schema looser or the instructions clearer, then retry the run.",
  ),
  CREW_INVALID: entry(
    "input",
    'The crew "{crew}" is not valid: {problems}.',
    "Correct what the message names, in the crew's files or in the agent's options.",
  ),
  CREW_FAILED: entry(
    "conflict",
    "The crew did not come to an end: {problem}",
    "Look at the steps of the run, mend the crew, then retry the run.",
  ),
  WORKER_LOST: entry(
    "unavailable",
    "The process that played the crew ended without a result (exit code {exit}): {problem}",
    "Retry the run; if it stays, run: npx weftline plugins install crewai",
  ),
  TOOL_TIMEOUT: entry(
    "unavailable",
    'The tool "{tool}" did not finish within {timeout}.',
    "Try again with less work, or raise the tool's timeout.",
  ),
  TOOL_OUTCOME_UNKNOWN: entry(
    "unavailable",
    'The call of "{tool}" broke off: {reason}',
    "Nobody knows whether it took effect: look before you make it again.",
  ),
  TOOL_FAILED: entry(
    "conflict",
    'The tool "{tool}" failed.',
    "Read the message; then call it again, with other arguments where they were at fault.",
  ),
  TOOL_DENIED: entry("forbidden", 'The call of "{tool}" was not allowed.', "Call it again and have the call approved."),
} as const satisfies Record<string, CodeEntry>;
