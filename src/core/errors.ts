/**
 * What sort of failure a code is. It decides the GraphQL type that a mutation answers with and whether a client may see the message:
 * `internal` is masked.
 */
export type ErrorKind =
  | "boot"
  | "input"
  | "notFound"
  | "conflict"
  | "forbidden"
  | "unauthenticated"
  | "unavailable"
  | "rateLimited"
  | "internal";

interface CodeEntry {
  readonly kind: ErrorKind;
  /** Default message; `{name}` is replaced from the details. */
  readonly says: string;
  /** What the reader can do about it. */
  readonly fix: string;
}

const entry = (kind: ErrorKind, says: string, fix: string): CodeEntry => ({ kind, says, fix });

/** Every code that Weftline throws. `docs/errors.md` is printed from it and a test holds both together. */
export const errorCodes = {
  // Boot: read by whoever writes plugins.config.ts.
  BOOT_FAILED: entry("boot", "The platform did not start.\n{report}", "Read the report: each line names a plugin and what fixes it."),
  NOT_A_PLUGIN: entry(
    "boot",
    "Entry {index} of the plugins list is not a plugin: {got}.",
    "List what a plugin's factory returns, as in plugins: [agents()].",
  ),
  PLUGIN_ID_INVALID: entry(
    "boot",
    'The plugin id "{id}" is not kebab-case.',
    "Use lower-case letters, digits and single dashes, starting with a letter.",
  ),
  PLUGIN_DUPLICATE: entry("boot", 'The plugin "{plugin}" is listed twice.', "Remove one of the two entries from plugins.config.ts."),
  PLUGIN_HOST_RANGE: entry(
    "boot",
    'The plugin "{plugin}" asks for weftline {range}; this is {host}.',
    "Install a version of the plugin made for this host, or the host that it names.",
  ),
  HOST_MIXED: entry(
    "boot",
    'The plugin "{plugin}" was made by another copy of Weftline ({other}) than the one that runs ({host}).',
    'Import "weftline" from one place: run the command of the package that the plugin imports, and list one version with: npm ls weftline.',
  ),
  PLUGIN_CONFIG_INVALID: entry(
    "boot",
    'The configuration of "{plugin}" is not valid: {problems}.',
    "Correct the plugin's options in plugins.config.ts.",
  ),
  PLUGIN_TABLE_PREFIX: entry(
    "boot",
    'The plugin "{plugin}" declares the table "{table}".',
    'Prefix a plugin\'s tables with its id, as in "{prefix}{table}".',
  ),
  PLUGIN_ENTITY_RULE: entry(
    "boot",
    'The entity "{entity}" of "{plugin}" has no ownership rule.',
    'Wrap it: owned(entity, { rule: "PRIVATE" }), or SHARED, GRANTED, INTERNAL.',
  ),
  PLUGIN_ENTITY_CLASH: entry(
    "boot",
    'Both "{plugin}" and "{other}" declare an entity named "{entity}".',
    "Rename one of them: an entity's name is unique in the host.",
  ),
  PLUGIN_ENTITY_NAME: entry(
    "boot",
    'The entity "{entity}" of "{plugin}" has a class named "{class}".',
    'Give both one name: defineEntity({ name: "{class}" }), or class {entity}.',
  ),
  PLUGIN_TABLE_CLASH: entry(
    "boot",
    'Both "{plugin}" and "{other}" declare the table "{table}".',
    "Rename one of them: a table belongs to one entity.",
  ),
  PLUGIN_TYPE_CLASH: entry(
    "boot",
    'The plugin "{plugin}" cannot add to the graph: {problem}',
    "Start new type names, and fields of events and errors, with the plugin's id; only the owner of a contract name may define it.",
  ),
  PLUGIN_SETUP_FAILED: entry(
    "boot",
    'The setup of "{plugin}" failed: {problem}',
    "Mend what the message names, or mark the entry optional: plugin({}, { optional: true }).",
  ),
  PLUGIN_TIMEOUT: entry(
    "boot",
    'The {what} of "{plugin}" did not end within {seconds} s.',
    "Look for what it waits for; pluginTimeouts of the configuration gives it longer.",
  ),
  PLUGIN_NOT_PROVIDED: entry(
    "boot",
    'The setup of "{plugin}" did not return "{service}".',
    "Return every service that the plugin lists under provides.",
  ),
  SERVICE_MISSING: entry(
    "boot",
    '"{plugin}" requires the service "{service}", which no plugin provides.',
    "Add a plugin that provides it, or mark the requirement optional(…).",
  ),
  SERVICE_LEFT_OUT: entry(
    "boot",
    '"{plugin}" requires the service "{service}", whose plugin was left out.',
    "Mend the plugin that failed before it, or mark the requirement optional(…).",
  ),
  SERVICE_DUPLICATE: entry("boot", 'The service "{service}" is provided by "{plugin}" and by "{other}".', "Remove one of the two plugins."),
  PLUGIN_CYCLE: entry(
    "boot",
    "Plugins require each other in a circle: {circle}.",
    "Break the circle with an extension point, or move the shared part to a third plugin.",
  ),
  CONTRIBUTION_DUPLICATE: entry(
    "boot",
    'The key "{key}" of the extension point "{point}" comes from "{plugin}" and from "{other}".',
    "Rename one of the two contributions.",
  ),
  REGISTRY_FROZEN: entry(
    "boot",
    '"{plugin}" contributes "{key}" to "{point}" after the platform was ready.',
    "Contribute in setup, before it returns.",
  ),
  CAPABILITY_INVALID: entry("boot", "Not valid are {problems}.", "Mend each definition in the plugin that is named with it."),
  CONFIG_NOT_FOUND: entry(
    "boot",
    "There is no configuration file at {file}.",
    "Name one with --config, or leave the option out to run with the plugins that are built in.",
  ),
  CONFIG_INVALID: entry("boot", "The configuration in {file} is not valid: {problem}.", "Export default defineConfig({ plugins: [...] })."),
  BIND_WITHOUT_AUTH: entry(
    "boot",
    "Refused to listen on {host}: no plugin authenticates callers, so anyone who reaches it would act as the local viewer.",
    "Bind to 127.0.0.1, or configure auth({ viewers: [...] }) or another authenticator.",
  ),
  ADDRESS_IN_USE: entry("boot", "Port {port} of {host} is in use.", "Stop the other program, or choose another port: --port 4401."),
  ADDRESS_UNUSABLE: entry("boot", "Cannot listen on {host}: {problem}", "Name an address of this machine, as in --host 127.0.0.1."),
  DATABASE_LOCKED: entry(
    "boot",
    "Another server (process {pid}) has the database {file} open.",
    "Stop that server, or give this one a folder of its own: --data ./other.",
  ),
  DATABASE_UNUSABLE: entry(
    "boot",
    "The database {file} cannot be opened: {problem}",
    "Make its folder one that this user may write, or put a backup of the file back.",
  ),
  MIGRATION_PENDING: entry("boot", "{count} migrations are pending: {names}.", "Run: weftline migrate up"),
  MIGRATION_MISSING: entry(
    "boot",
    "The entities declare what no migration makes: {columns}.",
    "Run: weftline migrate new --plugin <id>, then weftline migrate up",
  ),
  MIGRATION_FAILED: entry(
    "boot",
    'The migration "{name}" failed: {problem}',
    "Nothing after it was applied. Mend the cause, then run: weftline migrate up",
  ),

  // Requests: read by clients.
  INVALID_INPUT: entry("input", "The input is not valid.", "Correct the fields that issues names."),
  INVALID_ID: entry("input", "This is not an id of this graph.", "Pass an id as the graph returned it."),
  INVALID_CURSOR: entry(
    "input",
    "The cursor {cursor} is not one of this list or stream.",
    "Pass a cursor or seq that the server sent, or none to start anew.",
  ),
  NOT_FOUND: entry("notFound", "There is no such {what}.", "Check the id; what belongs to others looks the same as what does not exist."),
  CONFLICT: entry("conflict", "The present state does not allow that.", "Read the object again and decide anew."),
  IDEMPOTENCY_CONFLICT: entry(
    "conflict",
    'The idempotency key "{key}" was used with another body.',
    "Use a new key for a new request; repeat the same body to get the first answer.",
  ),
  VERSION_CONFLICT: entry(
    "conflict",
    "The version is {actual}, not {expected}.",
    "Read it again and repeat the change on the newest version.",
  ),
  BUSY: entry("conflict", "Another run is still open here.", "Wait for it, or pass onBusy: ENQUEUE or INTERRUPT."),
  DECISION_CONFLICT: entry("conflict", "{problem}", "Read the interrupt again: it is decided once, for exactly one call."),
  FORBIDDEN: entry("forbidden", "You may not do that.", "Ask an admin of your tenant."),
  UNAUTHENTICATED: entry(
    "unauthenticated",
    "The request names no valid viewer.",
    "Send credentials that an authenticator of this server knows, as in Authorization: Bearer …",
  ),
  UNAVAILABLE: entry("unavailable", "{what} is not available: {reason}", "{fix}"),
  FRAMEWORK_UNKNOWN: entry("input", 'There is no framework "{framework}".', "Choose one of: {known}."),
  AGENT_NOT_ACTIVE: entry("conflict", 'The agent "{agent}" is {status} and takes no runs.', "Start it with startAgent."),
  SIMULATION_FORBIDDEN: entry(
    "unavailable",
    "Only a simulated model could answer, and simulation is not allowed here.",
    "Set OPENAI_API_KEY, or allow simulation: in the settings of the thread, and in production with WEFTLINE_SIMULATION=allowed.",
  ),
  RATE_LIMITED: entry("rateLimited", "Too many {what} at once.", "Wait and try again."),
  REQUEST_ENTITY_TOO_LARGE: entry("input", "The request is too large.", "Send less at once; files go to /files."),
  STORAGE_FULL: entry("conflict", "{whose} {bytes}; {limit} is allowed.", "Delete threads, or raise {setting} in server.limits."),
  WORK_TOO_LONG: entry(
    "input",
    "Too long: {what} may take {limit}.",
    "Make the schema, pattern or expression simpler, or the value smaller.",
  ),
  OPERATION_LIMIT: entry("input", "The operation {problem}.", "Ask for smaller pages, or split the operation."),
  SHUTTING_DOWN: entry("unavailable", "The server is shutting down.", "Try again in a moment."),
  STORE_UNAVAILABLE: entry(
    "unavailable",
    "The database did not accept the change: {problem}",
    "Nothing was written. Free disk space or access to the database file, then try again.",
  ),
  WRITE_TOO_LONG: entry("unavailable", "A write of {where} took over {seconds} s and was taken back.", "Prepare more before the write."),
  WRITE_ENDED: entry("internal", "A write was used after it had ended.", "Await all that uses `tx` within the work that it was given to."),

  // Runs: stand in a run's failure.
  PROCESS_LOST: entry("unavailable", "The server process was lost while the run was at work.", "Retry the run with retryRun."),
  RUN_POISONED: entry(
    "internal",
    "The run was given up: too often its process was lost or stopped answering while it was at work.",
    "Look into the log of the server, then retry the run.",
  ),
  RUN_DEADLINE: entry("conflict", "The run passed its deadline.", "Give it a longer deadline in limits."),
  RUN_LIMIT: entry("conflict", "The run reached its limit of {limit}.", "Raise it in limits."),
  STATE_REFUSED: entry(
    "conflict",
    "What the run wants kept is refused: {problem}.",
    "Keep messages and plain values; put what is large into a file, and what is old out of the state.",
  ),
  NODE_FAILED: entry(
    "conflict",
    'The node "{node}" failed: {problem}',
    "Correct the graph, or start again from a checkpoint with retryRun.",
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
  TOOL_FAILED: entry(
    "conflict",
    'The tool "{tool}" failed.',
    "Read the message; then call it again, with other arguments where they were at fault.",
  ),
  TOOL_DENIED: entry("forbidden", 'The call of "{tool}" was not allowed.', "Call it again and have the call approved."),

  INTERNAL: entry("internal", "Something went wrong here.", "Look for the requestId in the log of the server."),
} as const satisfies Record<string, CodeEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCodes;

/** One field that is wrong. */
export interface InputProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What a {@link WeftlineError} knows besides its code. Any other key fills a placeholder of the message. Never put a secret here. */
export interface ErrorDetails {
  /** Replaces the catalogue's message. */
  readonly message?: string;
  /** The plugin at fault. */
  readonly plugin?: string;
  /** Replaces the catalogue's fix. */
  readonly fix?: string;
  /** The argument at fault, as in `["input", "name"]`. */
  readonly path?: readonly string[];
  readonly issues?: readonly InputProblem[];
  /** Milliseconds to wait before another try. */
  readonly retryAfterMs?: number;
  /** Whether the same work may succeed when it is tried again. */
  readonly retryable?: boolean;
  readonly [placeholder: string]: unknown;
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in details ? String(details[name]) : whole));
}

/**
 * The one error that Weftline throws.
 *
 * @example throw new WeftlineError("NOT_FOUND", { what: "thread", path: ["input", "thread"] });
 */
export class WeftlineError extends Error {
  override readonly name = "WeftlineError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(details.message ?? fill(errorCodes[code].says, details), options);
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return errorCodes[this.code].kind;
  }

  /** What the reader can do about it. */
  get fix(): string {
    return this.details.fix ?? fill(errorCodes[this.code].fix, this.details);
  }

  /** Whether trying the same again may help. */
  get retryable(): boolean {
    return this.details.retryable ?? (this.kind === "unavailable" || this.kind === "rateLimited");
  }
}

/** The error itself if it is a {@link WeftlineError}, else an INTERNAL one around it. */
export function asWeftlineError(error: unknown): WeftlineError {
  return error instanceof WeftlineError ? error : new WeftlineError("INTERNAL", {}, { cause: error });
}

/** The words of an error or of anything else that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
