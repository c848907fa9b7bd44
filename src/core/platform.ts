import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GraphQLSchema } from "graphql";
import { warnOfLaterVersion } from "./backup/later-version.ts";
import { finishLostRestore } from "./backup/swap.ts";
import { compose, type Composition } from "./compose.ts";
import type { WeftlineConfig } from "./config.ts";
import { Database, databaseService } from "./database/database.ts";
import { DatabaseTemplates } from "./database/templates.ts";
import { missingColumns, pendingMigrations, runMigrations } from "./database/migrations.ts";
import { WeftlineError } from "./errors.ts";
import { admission } from "./graphql/authenticate.ts";
import { checkBind, tryAddress } from "./graphql/bind.ts";
import { checkLimits, limitsOf, limitsService, type GraphLimits } from "./graphql/limits.ts";
import { unrevoked } from "./graphql/per-event.ts";
import { authorizationService, Scope, type ScopeHost } from "./graphql/scope.ts";
import { ServerCounters, serverCounters } from "./graphql/server-counters.ts";
import { actingScopes, createActingScopes } from "./host/acting-scopes.ts";
import { rememberActor } from "./host/actors.ts";
import { dataFolder, type DataFolder } from "./host/data-folder.ts";
import { pairWithFolder, type Pairing } from "./host/stamp.ts";
import { simulationPolicy } from "./host/simulation.ts";
import { platformPlugin } from "./host/plugin.ts";
import { PluginView, pluginDirectory } from "./host/plugins.ts";
import type { Logger } from "./kernel/spec.ts";
import { Kernel } from "./kernel/kernel.ts";
import { refOf, type ServiceRef } from "./kernel/refs.ts";
import { createLog } from "./log.ts";
import { createOutgoingHttp, outgoingHttp } from "./outgoing/outgoing-http.ts";
import { UncaughtErrors, uncaughtErrors } from "./process/uncaught-errors.ts";
import { runsPlugin, turnLookup } from "./runs/plugin.ts";
import { raiseHeads } from "./runs/restored.ts";
import { KeyRing } from "./sealed/key-ring.ts";
import { createSealedValues, sealedValues } from "./sealed/sealed-values.ts";
import { createServing, type Serving } from "./serving.ts";
import { version } from "./version.ts";
import type { Viewer } from "./database/viewer.ts";

/** How far and how a host boots. */
export interface BootOptions {
  /** `automatic` applies pending migrations; `refuse` stops where there are any. Automatic in development by default. */
  readonly migrate?: "automatic" | "refuse";
  /** A folder of databases as migrations left them, from which new ones are copied: for tests, which boot often. */
  readonly templates?: string;
  /** `intended` checks, before any plugin begins its work, that the host may and can listen where its configuration says. */
  readonly listening?: "intended";
  /** `temporary` for a data folder that is deleted afterwards, where a command looks at what is installed. `kept` by default. */
  readonly data?: DataFolder["lifetime"];
}

/** A host that is up: plugins set up, database open. Nobody reaches it over the network before `listen`. */
export interface Platform extends Omit<Serving, "stop"> {
  readonly config: WeftlineConfig;
  readonly kernel: Kernel;
  readonly schema: GraphQLSchema;
  readonly database: Database;
  readonly host: ScopeHost;
  use<T>(ref: ServiceRef<T>): T;
  /** What a resolver would be given for this viewer. */
  scope(viewer: Viewer, requestId?: string): Scope;
  /**
   * Logs an error that nothing caught and fails the run or the request that it is of. Where the process is the platform's own, hand it
   * what `uncaughtException` and `unhandledRejection` tell of, as `weftline start` does, and no forgotten `await` ends the server.
   *
   * @example process.on("uncaughtException", (error) => platform.uncaught(error));
   */
  uncaught(error: unknown): void;
  /** Closes the server, then plugins in reverse order, then the database. */
  close(): Promise<void>;
}

/** Reads the plugins of a host: their configurations, requirements and static contributions. Nothing of them runs. */
export async function loadPlugins(config: WeftlineConfig, uncaught?: UncaughtErrors): Promise<Kernel> {
  checkLimits({ ...config.server?.limits });
  const kernel = new Kernel({
    plugins: [platformPlugin(), runsPlugin(), config.plugins],
    hostVersion: version,
    log: logOf(config, () => uncaught),
    timeouts: config.pluginTimeouts,
    ...(uncaught ? { label: (plugin, work) => uncaught.label({ plugin }, work) } : {}),
    hostServices: [
      actingScopes,
      databaseService,
      dataFolder,
      limitsService,
      outgoingHttp,
      pluginDirectory,
      sealedValues,
      serverCounters,
      simulationPolicy,
      turnLookup,
      uncaughtErrors,
    ],
  });
  await kernel.load();
  return kernel;
}

/** Loads and composes without IO. */
export async function composePlatform(
  config: WeftlineConfig,
  uncaught?: UncaughtErrors,
): Promise<{ readonly kernel: Kernel; readonly composition: Composition }> {
  const kernel = await loadPlugins(config, uncaught);
  const composition = await kernel.phase("compose", () => compose(kernel));
  return { kernel, composition };
}

/**
 * Boots a host up to `ready`.
 *
 * @throws BOOT_FAILED with a report that names each plugin at fault and what mends it.
 * @example const platform = await createPlatform(defineConfig({ plugins: [agents(), chat()] }));
 */
export async function createPlatform(config: WeftlineConfig, options: BootOptions = {}): Promise<Platform> {
  const uncaught: UncaughtErrors = new UncaughtErrors(logOf(config, () => uncaught));
  const keys = keyRingOf(config);
  const outgoing = createOutgoingHttp(config.outgoing, undefined, () => uncaught.labels().traceparent);
  const { kernel, composition } = await composePlatform(config, uncaught);
  const { database, pairing } = await kernel.phase("migrate", () => openDatabase(config, composition, options, uncaught));
  const log = logOf(config, () => uncaught);
  const authorization = unrevoked();
  const seen = new Map<string, string>();
  const host: ScopeHost = {
    database,
    log,
    has: (ref) => kernel.registry.has(ref),
    use: (ref) => (ref.id === authorizationService.id && !kernel.registry.has(ref) ? (authorization as never) : kernel.registry.use(ref)),
    contributions: (point) => kernel.registry.contributions(point),
    remember: async (tx, viewer) => {
      const key = `${viewer.tenantId}:${viewer.actorId}`;
      if (seen.get(key) === viewer.name) return;
      await rememberActor(tx, viewer);
      tx.afterCommit(() => seen.set(key, viewer.name));
    },
  };
  try {
    kernel.provide(databaseService, database);
    kernel.provide(actingScopes, createActingScopes(host));
    kernel.provide(outgoingHttp, outgoing);
    kernel.provide(sealedValues, createSealedValues(database, keys));
    kernel.provide(serverCounters, new ServerCounters());
    kernel.provide(simulationPolicy, config.simulation ?? (config.mode === "production" ? "forbidden" : "allowed"));
    kernel.provide(dataFolder, { of: (plugin) => resolve(dataDirOf(config), plugin), lifetime: options.data ?? "kept", ...pairing });
    kernel.provide(limitsService, limitsWhenReady(config, kernel));
    kernel.provide(pluginDirectory, { list: () => listPlugins(kernel) });
    kernel.provide(turnLookup, kernel.registry);
    kernel.provide(uncaughtErrors, uncaught);
    await kernel.setup(() => (options.listening ? checkAddress(config, kernel) : undefined));
  } catch (error) {
    await kernel.close();
    await database.close();
    throw error;
  }
  const { stop, ...serving } = createServing(config, composition.schema, host);
  return {
    ...serving,
    config,
    kernel,
    schema: composition.schema,
    database,
    host,
    use: host.use,
    scope: (viewer, requestId = "internal") => new Scope(host, viewer, requestId),
    uncaught: (error) => uncaught.handle(error),
    close: async () => {
      await stop();
      const failures = await kernel.close();
      await database.close();
      for (const { plugin, error } of failures) log.error({ plugin, err: error }, "closing failed");
    },
  };
}

/**
 * Opens the database of a host without migrating it.
 *
 * @throws DATABASE_LOCKED where a server has it open.
 */
export function connectDatabase(
  config: WeftlineConfig,
  { entities, migrations, extensions }: Composition,
  uncaught?: UncaughtErrors,
): Database {
  finishLostRestore(dataDirOf(config));
  return new Database({
    file: fileOf(config),
    entities,
    migrations,
    extensions,
    log: logOf(config, () => uncaught),
    writes: config.database,
    ...(uncaught ? { labels: () => uncaught.labels() } : {}),
  });
}

/** Opens the database of a host to read it, beside the server that may run on it; nothing where there is none. */
export function readDatabase(config: WeftlineConfig, { entities, migrations, extensions }: Composition): Database | undefined {
  const file = fileOf(config);
  return existsSync(file) ? new Database({ file, entities, migrations, extensions, access: "read", log: createLog(config) }) : undefined;
}

/**
 * The keys of sealed values.
 *
 * @throws CONFIG_INVALID where a key that is configured is none.
 */
export function keyRingOf(config: WeftlineConfig): KeyRing {
  return new KeyRing({ secrets: config.secrets, folder: dataDirOf(config), mode: config.mode ?? "development" });
}

/** Whose code logs stands in each line, where it is known. */
function logOf(config: WeftlineConfig, uncaught: () => UncaughtErrors | undefined): Logger {
  return createLog(config, { labels: () => uncaught()?.labels() ?? {} });
}

function fileOf(config: WeftlineConfig): string {
  return join(dataDirOf(config), "weftline.db");
}

function dataDirOf({ dataDir = "data" }: WeftlineConfig): string {
  return dataDir;
}

async function openDatabase(
  config: WeftlineConfig,
  composition: Composition,
  options: BootOptions,
  uncaught: UncaughtErrors,
): Promise<{ readonly database: Database; readonly pairing: Pairing }> {
  const file = fileOf(config);
  const templates = options.templates === undefined ? undefined : new DatabaseTemplates(options.templates);
  templates?.copyTo(file, composition.migrations);
  const database = connectDatabase(config, composition, uncaught);
  try {
    const pending = await pendingMigrations(database);
    const automatic = (options.migrate ?? (config.mode === "production" ? "refuse" : "automatic")) === "automatic";
    if (pending.length > 0 && !automatic)
      throw new WeftlineError("MIGRATION_PENDING", { count: pending.length, names: pending.join(", ") });
    if (pending.length > 0) await runMigrations(database);
    if (pending.length > 0 && pending.length === composition.migrations.length) templates?.keep(file, composition.migrations);
    const columns = await missingColumns(database);
    const missing = new WeftlineError("MIGRATION_MISSING", { columns: columns.join(", ") });
    if (columns.length > 0 && config.mode === "production") throw missing;
    if (columns.length > 0) logOf(config, () => uncaught).warn({ code: missing.code, fix: missing.fix }, missing.message);
    await warnOfLaterVersion(
      database,
      logOf(config, () => uncaught),
    );
    const pairing = await pairWithFolder({ database, folder: dataDirOf(config), log: logOf(config, () => uncaught), restored: raiseHeads });
    return { database, pairing };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function checkAddress({ server = {} }: WeftlineConfig, kernel: Kernel): Promise<void> {
  const address = { host: server.host ?? "127.0.0.1", port: server.port ?? 4400 };
  await tryAddress(address);
  checkBind(address, admission(kernel.registry));
}

/** Asked only when all plugins are set up: which defaults hold depends on who lets callers in. */
function limitsWhenReady({ server }: WeftlineConfig, kernel: Kernel): () => GraphLimits {
  let limits: GraphLimits | undefined;
  return () => (limits ??= limitsOf(server?.limits, admission(kernel.registry)));
}

function listPlugins(kernel: Kernel): PluginView[] {
  return kernel.plugins.map(({ spec }) => {
    const report = kernel.report.plugins.get(spec.id);
    return PluginView.of({
      id: spec.id,
      version: spec.version ?? version,
      kind: spec.kind ?? "CAPABILITY",
      state: report?.state ?? "UNAVAILABLE",
      reason: report?.reason ?? null,
      fix: report?.fix ?? null,
      description: spec.description ?? null,
      provides: Object.values(spec.provides ?? {}).map((ref) => ref.id),
      requires: Object.values(spec.requires ?? {}).map((wanted) => refOf(wanted).id),
      contributes: kernel.registry.contributionsOf(spec.id).map(({ point, key }) => ({ point, key })),
      setupMs: report?.setupMs ?? null,
    });
  });
}
