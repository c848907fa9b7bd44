import { entry, type CodeEntry } from "./entry.ts";

/** Read by clients. */
export const requestErrors = {
  INVALID_INPUT: entry("input", "The input is not valid.", "Correct the fields that issues names."),
  INVALID_ID: entry("input", "This is not an id of this graph.", "Pass an id as the graph returned it."),
  INVALID_CURSOR: entry(
    "input",
    "The cursor {cursor} is not one of this list or stream.",
    "Pass a cursor or seq that the server sent, or none to start anew.",
  ),
  NOT_FOUND: entry("notFound", "There is no such {what}.", "Check the id or the name. What belongs to others is reported as missing, too."),
  CONFLICT: entry(
    "conflict",
    "The present state does not allow that.",
    "Change what the message names, or read the object again if it may have changed since.",
  ),
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
  LEGAL_HOLD: entry(
    "conflict",
    "A legal hold is on this: nothing of it is removed.",
    "An admin can lift it with updateThread(input: { thread: …, legalHold: false }).",
  ),
  DECISION_CONFLICT: entry("conflict", "{problem}", "Read the interrupt again: it is decided once, for exactly one call."),
  FORBIDDEN: entry("forbidden", "You may not do that.", "Ask an admin of your tenant."),
  ACCESS_LOST: entry(
    "forbidden",
    '"{actor}" has no access to this server any more.',
    "Give the actor access again, or let another own what acts in its name.",
  ),
  UNAUTHENTICATED: entry(
    "unauthenticated",
    "The request names no valid viewer.",
    "Send credentials that an authenticator of this server knows, as in Authorization: Bearer …",
  ),
  UNAVAILABLE: entry("unavailable", "{what} is not available: {reason}", "{fix}"),
  SECRET_KEY_MISSING: entry(
    "unavailable",
    "There is no key to seal a secret with: {problem}",
    "Make one with weftline secrets generate-key, and set WEFTLINE_SECRET_KEY, or WEFTLINE_SECRET_KEY_FILE to a file that holds it.",
  ),
  SECRET_KEY_UNKNOWN: entry("unavailable", "A secret is sealed with the key {key}; this server has {known}.", "{fix}"),
  SEALED_VALUE_INVALID: entry(
    "unavailable",
    "The sealed value {id} does not open: it was changed, or was sealed for another place.",
    "Set the secret again, or restore the database from a backup.",
  ),
  WEBHOOK_DISABLED: entry("conflict", "This webhook can start nothing any more, and was disabled.", "Ask its owner, who sees why."),
  OUTGOING_REFUSED: entry(
    "input",
    "Requests to this address are refused: {reason}.",
    "Name a public http or https address; the operator permits others under outgoing.allow.",
  ),
  OUTGOING_UNREACHABLE: entry("unavailable", "{host} could not be reached, or broke off.", "Check that it runs, then try again."),
  OUTGOING_TIMEOUT: entry("unavailable", "{host} did not answer within {seconds} s.", "Check that it runs, then try again."),
  OUTGOING_TOO_LARGE: entry("unavailable", "The answer of {host} is longer than {limit} bytes.", "Ask for less."),
  FRAMEWORK_UNKNOWN: entry("input", 'There is no framework "{framework}".', "Choose one of: {known}."),
  AGENT_NOT_ACTIVE: entry("conflict", 'The agent "{agent}" is {status} and takes no runs.', "Start it with startAgent."),
  WORKFLOW_ARCHIVED: entry(
    "conflict",
    'The workflow "{workflow}" is archived and takes no runs.',
    "Bring it back with updateWorkflow(archived: false).",
  ),
  WORKFLOW_READ_ONLY: entry(
    "forbidden",
    'The workflow "{workflow}" comes from {origin} and cannot be changed through the API.',
    "Edit {origin}, then restart the server.",
  ),
  SIMULATION_FORBIDDEN: entry(
    "unavailable",
    "Only a simulated model could answer, and simulation is not allowed here.",
    "Set OPENAI_API_KEY, or allow simulation: in the settings of the thread, and in production with WEFTLINE_SIMULATION=allowed.",
  ),
  RATE_LIMITED: entry("rateLimited", "Too many {what} at once.", "Wait and try again."),
  REQUEST_ENTITY_TOO_LARGE: entry("input", "The request is too large.", "Send less at once; files go to /files."),
  REQUEST_TIMEOUT: entry("input", "The request took over {seconds} s to arrive.", "Send it again, over a faster connection."),
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
  INTERNAL: entry("internal", "Something went wrong here.", "Look for the requestId in the log of the server."),
} as const satisfies Record<string, CodeEntry>;
