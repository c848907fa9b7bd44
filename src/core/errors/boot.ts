import { entry, type CodeEntry } from "./entry.ts";

/** Read by whoever writes plugins.config.ts. */
export const bootErrors = {
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
  WORKFLOWS_INVALID: entry(
    "boot",
    "Invalid workflow definitions: {problems}",
    "Correct each place that is named. To check files without a restart: weftline workflows validate <files>",
  ),
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
  BACKUP_FAILED: entry(
    "boot",
    "Nothing was changed in {place}: {problem}.",
    "Mend what the message names, then run the command again: it leaves nothing half done.",
  ),
  BACKUP_INVALID: entry(
    "boot",
    "The backup {backup} cannot be put back: {problem}.",
    "Take another backup. This one was changed or not copied whole.",
  ),
  BACKUP_NEWER: entry(
    "boot",
    "The backup {backup} was made by a later version: {what}.",
    "Install that version of Weftline, or a later one, and put the backup back with it.",
  ),
} as const satisfies Record<string, CodeEntry>;
