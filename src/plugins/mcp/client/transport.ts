import type { Stream } from "node:stream";
import type { Transport } from "@modelcontextprotocol/client";
import type { LocalServer, McpServerConfig } from "../config.ts";

/** The way to a server, and where a process of it complains. */
export interface Way {
  readonly transport: Transport;
  readonly complaints?: Stream | null;
}

/** A new way to a server; nothing is started or asked yet. */
export async function wayTo(server: McpServerConfig): Promise<Way> {
  if ("command" in server) return processOf(server);
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  return { transport: new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers: server.headers } }) };
}

async function processOf({ command, args, env, cwd }: LocalServer): Promise<Way> {
  const { DEFAULT_INHERITED_ENV_VARS, StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const transport = new StdioClientTransport({
    command,
    args,
    env: { ...withheld(DEFAULT_INHERITED_ENV_VARS), ...env },
    stderr: "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { transport, complaints: transport.stderr };
}

/** The SDK hands more on than PATH; on Windows programs do not start without it. */
function withheld(inherited: readonly string[]): Record<string, string> {
  const names = inherited.includes("SYSTEMROOT") ? [] : inherited.filter((name) => name !== "PATH");
  return Object.fromEntries(names.map((name) => [name, undefined])) as unknown as Record<string, string>;
}
