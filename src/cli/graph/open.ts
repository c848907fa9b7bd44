import type { CliGraph, CliOption } from "../../core/commands.ts";
import type { WeftlineConfig } from "../../core/config.ts";
import { WeftlineError } from "../../core/errors.ts";
import type { Problem } from "../../core/kernel/report.ts";
import { createPlatform, type Platform } from "../../core/platform.ts";
import { localGraph } from "./local.ts";
import { remoteGraph } from "./remote.ts";

/** The options of each command that speaks with the graph. */
export const graphOptions: readonly CliOption[] = [
  { flags: "--url <graphql>", description: "the graph of a running server; by default this command boots the host itself" },
  { flags: "--token <token>", description: "the token to send; WEFTLINE_TOKEN by default" },
];

/** The graph that a command speaks with, until it is closed. */
export interface CommandGraph {
  graph(): CliGraph;
  close(): Promise<void>;
}

/**
 * Boots the host, or connects to the server that `--url` names.
 *
 * @throws UNAVAILABLE where a server runs on the data folder, with its address; UNAUTHENTICATED.
 */
export async function openGraph(
  config: WeftlineConfig,
  options: Readonly<Record<string, string | true | undefined>>,
): Promise<CommandGraph> {
  const { url, token = process.env["WEFTLINE_TOKEN"] } = options as { readonly url?: string; readonly token?: string };
  if (url !== undefined) {
    const { graph, close } = remoteGraph(url, token || undefined);
    return { graph: () => graph, close: async () => close() };
  }
  const platform = await boot(config);
  try {
    const graph = await localGraph(platform, token || undefined);
    return { graph: () => graph, close: () => platform.close() };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

async function boot(config: WeftlineConfig): Promise<Platform> {
  try {
    // It listens only for routes of its own, and on no address that others know.
    return await createPlatform({ ...config, server: { ...config.server, host: "127.0.0.1", port: 0 } });
  } catch (error) {
    if (!isLocked(error)) throw error;
    const { host = "127.0.0.1", port = 4400 } = config.server ?? {};
    throw new WeftlineError(
      "UNAVAILABLE",
      {
        what: "The data folder",
        reason: "a server runs on it.",
        fix: `Let that server do it: add --url http://${host}:${port}/graphql (or where it says that it listens).`,
      },
      { cause: error },
    );
  }
}

function isLocked(error: unknown): boolean {
  if (!(error instanceof WeftlineError)) return false;
  const problems = (error.details["problems"] as readonly Problem[] | undefined) ?? [];
  return error.code === "DATABASE_LOCKED" || problems.some((problem) => problem.error.code === "DATABASE_LOCKED");
}
