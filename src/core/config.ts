import type { WriteTimes } from "./database/long-writes.ts";
import type { GraphLimits } from "./graphql/limits.ts";
import type { PluginTimeouts } from "./kernel/lifecycle.ts";
import type { PluginList } from "./kernel/spec.ts";
import type { OutgoingConfig } from "./outgoing/allow-list.ts";
import type { SecretsConfig } from "./sealed/keys.ts";

/** Where a host listens and what it lets in. */
export interface ServerConfig {
  /** The address to bind; HOST of the environment, else 127.0.0.1 by default. Anything but loopback needs an authenticator that asks for credentials. */
  readonly host?: string;
  /** PORT of the environment, else 4400 by default; 0 takes a free one. */
  readonly port?: number;
  /** Origins besides the server's own and loopback whose pages may call it, as in `https://app.example.com`. */
  readonly origins?: readonly string[];
  /**
   * Proxies before this server, as addresses, subnets or `loopback`: what they say in X-Forwarded-For of where a request comes from is
   * believed when callers are counted by address. None by default.
   */
  readonly trustedProxies?: readonly string[];
  /** Whether the graph describes itself to clients; on in development by default. */
  readonly introspection?: "on" | "off";
  /** Whether browsers find GraphiQL at the endpoint; on in development by default. */
  readonly graphiql?: "on" | "off";
  /**
   * How long the server goes on to serve once it is to close, while `/readyz` and `/healthz` say DRAINING, in milliseconds; 0 by default. Where a balancer is before
   * it: as long as that takes to notice.
   */
  readonly drainDelayMs?: number;
  /** How much one caller may ask for; docs/operations.md has the defaults. */
  readonly limits?: Partial<GraphLimits>;
}

/**
 * A host: its plugins and where it runs. The defaults are those of a development machine. The `weftline` command reads the environment for what is left
 * out; an embedded platform does not.
 */
export interface WeftlineConfig {
  readonly plugins: PluginList;
  readonly server?: ServerConfig;
  /** The folder of the database and of files; WEFTLINE_DATA of the environment, else ./data by default. */
  readonly dataDir?: string;
  /** `production` hides GraphiQL and introspection and leaves migrations to the operator. */
  readonly mode?: "development" | "production";
  /**
   * Whether a simulated model may answer where none with a key does. Unless said it may in development, and in production it may not: there
   * nobody should take it for a real one.
   */
  readonly simulation?: "allowed" | "forbidden";
  /** How long a plugin's `setup` and hooks may take before the boot fails, or the close goes on without them. */
  readonly pluginTimeouts?: PluginTimeouts;
  /** How long one write may hold up the others. */
  readonly database?: WriteTimes;
  /** What plugins and tools may reach over HTTP besides public addresses. */
  readonly outgoing?: OutgoingConfig;
  /** The keys of what is kept sealed; WEFTLINE_SECRET_KEY or WEFTLINE_SECRET_KEY_FILE of the environment by default. */
  readonly secrets?: SecretsConfig;
  /** The least grave message to log; `info` by default. */
  readonly logLevel?: "debug" | "info" | "warn" | "error" | "silent";
}

/**
 * Types a configuration.
 *
 * @example export default defineConfig({ plugins: [agents(), chat()] });
 */
export function defineConfig(config: WeftlineConfig): WeftlineConfig {
  return config;
}
